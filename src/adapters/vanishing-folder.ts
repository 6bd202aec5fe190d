import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { OperatorError } from '../domain/failure.ts';

/** A folder that does not outlive this process. */
export interface VanishingFolder extends AsyncDisposable {
  readonly path: string;
}

const watcher = `read -r _; rm -rf "$1"`;

/**
 * Makes a temporary folder with mode 0700. It is removed when disposed, and also when this process is killed with SIGKILL: a
 * shell in a session of its own waits on a pipe whose other end is ours. Fails as `access-denied` where none can be made.
 */
export async function makeVanishingFolder(prefix: string): Promise<VanishingFolder> {
  const path = await mkdtemp(join(tmpdir(), prefix)).catch((cause: unknown) => {
    throw new OperatorError('access-denied', `no folder can be made in ${tmpdir()}`, {
      hint: 'Set TMPDIR to a folder that you may write to',
      field: 'TMPDIR',
      cause,
    });
  });
  const shell = spawn('/bin/sh', ['-c', watcher, 'sh', path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = once(shell, 'exit');
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      shell.stdin.destroy();
      await gone;
    },
  };
}

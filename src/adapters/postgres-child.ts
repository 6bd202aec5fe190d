import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, rm } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { OperatorError } from '../domain/failure.ts';
import { supervisor } from './postgres-supervisor.ts';
import type { ProgramOwner } from './program-owner.ts';

/** The shell that PostgreSQL lives under; it ends, with everything it made, when its `process.stdin` does. */
export interface Supervised {
  readonly process: ChildProcessByStdio<Writable, null, Readable>;
  /** Emits what PostgreSQL says, line by line. */
  readonly lines: Interface;
  readonly ended: Promise<void>;
}

/** Which folder it owns, as whom, which database it makes, and what postgres is told on its command line. */
export interface Supervision {
  readonly home: string;
  readonly owner: ProgramOwner;
  readonly database: string;
  readonly settings: readonly string[];
}

/** Starts it in a session of its own, so that Ctrl-C reaches this process alone, which then stops PostgreSQL in its turn. */
export async function supervise({ home, owner, database, settings }: Supervision): Promise<Supervised> {
  const remove = () => rm(home, { recursive: true, force: true });
  try {
    if (owner) await chown(home, owner.uid, owner.gid);
    const child = spawn('/bin/sh', ['-c', supervisor, 'mailctl-postgres', home, database, ...settings], {
      ...owner,
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC', PATH: `${process.env['PATH'] ?? ''}:/usr/bin:/bin` },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.on('error', () => undefined);
    const over = once(child, 'close').catch(() => undefined);
    return { process: child, lines: createInterface(child.stderr), ended: over.then(remove) };
  } catch (cause) {
    await remove();
    throw new OperatorError(
      'access-denied',
      'PostgreSQL does not run as root, and this root may not become nobody',
      {
        hint: 'Run mailctl as an ordinary user, or give it the capabilities SETUID, SETGID and CHOWN',
        cause,
      },
    );
  }
}

/** Resolves when PostgreSQL takes connections; fails with its last words when it ends, or is late, before that. */
export async function awaitReady({ lines, ended }: Supervised, timeoutMs: number): Promise<void> {
  const said: string[] = [];
  const failed = (code: 'unreachable' | 'timed-out', what: string) =>
    new OperatorError(code, `PostgreSQL ${what}: ${said.slice(-6).join(' | ') || 'it said nothing'}`, {
      hint: 'It needs some 100 MB in the temporary folder (TMPDIR) and a user name for the uid that runs it',
    });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(
      () => reject(failed('timed-out', `was not ready within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const settle = () => {
      clearTimeout(late);
      lines.removeAllListeners('line');
    };
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve(settle());
    });
    void ended.then(() => reject(failed('unreachable', 'did not start'))).finally(settle);
  });
}

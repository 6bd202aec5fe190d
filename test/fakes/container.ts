import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import type { Execution, Executed } from '../../src/adapters/docker.ts';

/** An engine whose containers share this machine's files: what is to run inside one runs here, with real programs. */
export const engineOfThisMachine = { exec };

async function exec(_container: string, { argv, stdin, stdout, stop }: Execution): Promise<Executed> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { env: { ...process.env, LC_ALL: 'C' } });
  stop.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  const ended = once(child, 'close');
  const complaint = text(child.stderr);
  // As with the real engine: what a program leaves unread is no failure, how it ended counts.
  const fed = stdin && pipeline(stdin, child.stdin).catch(() => undefined);
  if (!stdin) child.stdin.end();
  if (stdout) await pipeline(child.stdout, stdout);
  const [exit] = await ended;
  await fed;
  return { exit: stop.aborted ? -1 : Number(exit), stderr: await complaint };
}

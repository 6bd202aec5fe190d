import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { runJson } from '../../integration/cli/database-folder.ts';
import type { WholePlatform } from './whole-platform.ts';

const programs = join(import.meta.dirname, '../../programs');

/** Runs mailctl in this process; throws when it does not succeed. */
export async function mailctl({ folder }: Pick<WholePlatform, 'folder'>, ...words: readonly string[]) {
  const done = await runJson(folder, ...words);
  if (done.exit !== 0 && done.exit !== 3)
    throw new Error(`mailctl ${words.join(' ')}: ${JSON.stringify(done)}`);
  return done;
}

/** Runs mailctl as a process and kills it with SIGKILL once it has said that so many steps are done. False when it ended before. */
export async function killedAfter(
  { folder }: Pick<WholePlatform, 'folder'>,
  words: readonly string[],
  steps: number,
): Promise<boolean> {
  const loader = ['--import', join(programs, 'typescript.mjs'), join(programs, 'mailctl.ts')];
  const child = spawn(process.execPath, [...loader, '-C', folder.path, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const said: string[] = [];
  let done = 0;
  createInterface(child.stderr).on('line', (line) => {
    said.push(line);
    done += Number(line.includes('✔'));
    if (done > steps) child.kill('SIGKILL');
  });
  const [code, signal] = (await ended) as [number | null, string | null];
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`mailctl ended with ${code}: ${said.join('\n')}`);
  return signal === 'SIGKILL';
}

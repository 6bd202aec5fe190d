import { execFileSync } from 'node:child_process';
import { getPriority } from 'node:os';

import { expect, it } from 'vitest';

import { startProgram } from '../programs/program.ts';

/** Tests may have been started with `nice` themselves. */
const own = getPriority();

/** The nice value of the main thread of a process that wants this one, and those of its other threads. */
async function taken(nice: number, through: readonly string[] = []): Promise<unknown> {
  await using program = await startProgram('nice.ts', { args: [String(nice)], through });
  return program.said;
}

it('a process stands back as far as it is told, with all its threads', async () => {
  const nice = own === 0 ? 7 : own;
  expect(await taken(7)).toEqual({ main: nice, others: [nice] });
});

it('a process that was started with a nice value of its own keeps it', async () => {
  expect(await taken(7, ['nice', '-n', '3'])).toEqual({ main: own + 3, others: [own + 3] });
});

it('a process comes forward where it may, without its garbage collection, and stays where it is without the right', async () => {
  const told = execFileSync('nice', ['-n', '-5', 'nice'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const allowed = own === 0 ? Number(told) : own;
  expect(await taken(-5)).toEqual({ main: allowed, others: [own] });
  const withoutRight = allowed < 0 ? ['setpriv', '--bounding-set', '-sys_nice'] : [];
  expect(await taken(-5, withoutRight)).toEqual({ main: own, others: [own] });
});

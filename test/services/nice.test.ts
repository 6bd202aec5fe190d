import { execFileSync } from 'node:child_process';

import { expect, it } from 'vitest';

import { startProgram } from '../programs/program.ts';

/** The nice value that a process has that wants this one. */
async function taken(nice: number, through: readonly string[] = []): Promise<unknown> {
  await using program = await startProgram('nice.ts', { args: [String(nice)], through });
  return program.said;
}

it('a process stands back as far as it is told', async () => {
  expect(await taken(7)).toBe(7);
});

it('a process that was started with a nice value of its own keeps it', async () => {
  expect(await taken(7, ['nice', '-n', '3'])).toBe(3);
});

it('a process comes forward where it may, and stays where it is without the right', async () => {
  const allowed = Number(execFileSync('nice', ['-n', '-5', 'nice'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  expect(await taken(-5)).toBe(allowed);
  const withoutRight = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-sys_nice'] : [];
  expect(await taken(-5, withoutRight)).toBe(0);
});

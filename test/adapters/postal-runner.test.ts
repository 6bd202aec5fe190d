import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { postalRunner } from '../../src/adapters/postal-runner.ts';
import { temporaryFolder } from '../cli/folders.ts';

/** Writes down what it was asked for; fails for what the first word names. */
const program = `require('node:fs').appendFileSync('started', process.argv[3] + '\\n'); process.exit(process.argv[3] === process.argv[2] ? 1 : 0);`;

function restarting(folder: string, words: string) {
  writeFileSync(join(folder, 'start.cjs'), program);
  const restart = `${process.execPath} start.cjs ${words}`;
  return postalRunner({ command: 'false', restart, folder, timeoutMs: 60_000 }).restart();
}

const started = (folder: string) => readFileSync(join(folder, 'started'), 'utf8').trim().split('\n');

it("starts Postal's processes anew one after the other where the command names one", async () => {
  using folder = temporaryFolder();
  await restarting(folder.path, 'nothing postal-{process}');
  expect(started(folder.path)).toEqual(['postal-web', 'postal-smtp', 'postal-worker']);
});

it('leaves those alone that come after one which did not come again', async () => {
  using folder = temporaryFolder();
  const failed = restarting(folder.path, 'postal-smtp postal-{process}');
  await expect(failed).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('postal-smtp'),
  });
  expect(started(folder.path)).toEqual(['postal-web', 'postal-smtp']);
});

it('runs a command that names none once', async () => {
  using folder = temporaryFolder();
  await restarting(folder.path, 'nothing all');
  expect(started(folder.path)).toEqual(['all']);
});

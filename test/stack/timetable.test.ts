import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { rowNames } from '../../src/domain/timetable.ts';
import { type Envelope, runningStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;
let escrow: string;

/** Runs a command as the scheduler would, in its container. */
async function inScheduler(...words: readonly string[]): Promise<Envelope> {
  const program = ['node', '/opt/mailctl/bin/mailctl.js', ...words, '--no-input', '--json'];
  const { stdout, stderr } = await stack.docker('exec', `${stack.name}-scheduler-1`, ...program);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Envelope;
}

beforeAll(async () => {
  stack = await runningStack();
  escrow = join(stack.dir, 'escrow.key');
  if (!existsSync(escrow)) await stack.mailctl('backup', 'key', 'make', '--out', escrow, '--yes');
}, longMs);

describe('the timetable of a stack', () => {
  it(
    'shares its sets with the commands of the host: either proves what the other took',
    { timeout: longMs },
    async () => {
      const here = await stack.json('backup', 'run', '--yes');
      expect(here.error).toBeUndefined();
      expect((await inScheduler('backup', 'verify')).error).toBeUndefined();
      const { error, data } = await inScheduler('backup', 'run');
      expect(error).toBeUndefined();
      const set = data?.['set'] as { readonly id: string };
      const tested = await stack.json('backup', 'key', 'test', set.id, '--identity-file', escrow);
      expect(tested.data).toMatchObject({
        id: set.id,
        opened: expect.arrayContaining(['postgres', 'mariadb', 'secrets']),
      });
    },
  );

  const others = rowNames.filter((name) => name !== 'postal-reconcile');

  it.each(others)('carries out the row %s inside its container', { timeout: longMs }, async (row) => {
    const { error, data } = await inScheduler('schedule', 'run', row);
    expect(error).toBeUndefined();
    expect(data).toMatchObject({ runs: [{ name: row, outcome: 'done', exit: 0 }] });
    const { data: told } = await stack.json('schedule', 'history', row);
    expect(told).toMatchObject({
      runs: expect.arrayContaining([expect.objectContaining({ outcome: 'done' })]),
    });
  });
});

describe('the row postal-reconcile', () => {
  it(
    "gets as far as Postal's database, where the stand-in keeps no mail server",
    { timeout: longMs },
    async () => {
      expect((await inScheduler('schedule', 'run', 'postal-reconcile')).error).toMatchObject({
        exit: 12,
        message: expect.stringContaining('no mail server in this Postal has the API key'),
      });
    },
  );
});

describe('a rotation of what stands in .env', () => {
  it(
    'is left alone by the scheduler, named by keys list and status, and ended by a command on the host',
    { timeout: longMs },
    async () => {
      expect(
        (await stack.json('keys', 'rotate', '--kind', 'redis', '--overlap', '0s', '--yes')).error,
      ).toBeUndefined();
      const { data } = await inScheduler('keys', 'rotate', '--continue');
      expect(data?.['keys']).toMatchObject([{ kind: 'redis', state: 'waiting' }]);
      for (const look of [['keys', 'list'], ['status']])
        expect((await stack.json(...look)).warnings).toContainEqual(
          expect.stringMatching(/redis redis: mailctl keys rotate --continue$/),
        );
      expect((await stack.mailctl('keys', 'list')).exit).toBe(3);
      expect((await stack.json('keys', 'rotate', '--continue', '--yes')).data?.['keys']).toMatchObject([
        { kind: 'redis', state: 'retired' },
      ]);
      expect((await stack.json('keys', 'list')).warnings).toEqual([]);
    },
  );
});

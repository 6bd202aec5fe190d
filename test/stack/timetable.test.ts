import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { rowNames } from '../../src/domain/timetable.ts';
import { temporaryFolder } from '../cli/folders.ts';
import { putAge } from '../faults/backup/age-tool.ts';
import { copyFolder, type Envelope, runningStack, type TestStack } from './harness/stack.ts';

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

function idOf({ data }: Envelope): string {
  return (data?.['set'] as { readonly id: string } | undefined)?.id ?? 'no set';
}

/** What a part of a set holds, opened with Debian's `age` and the escrow key. */
async function namesInPart(taken: Envelope, part: string): Promise<readonly string[]> {
  using tools = temporaryFolder();
  const pipe = `"$0" -d -i "$1" "$2" | zstd -dc | tar -tf -`;
  const path = join(stack.dir, 'backups', idOf(taken), `${part}.tar.zst.age`);
  const argv = ['bash', '-o', 'pipefail', '-c', pipe, await putAge(tools.path), escrow, path] as const;
  const { exit, stdout, stderr } = await exec(argv, { timeoutMs: longMs });
  if (exit !== 0) throw new Error(stderr);
  return stdout.split('\n');
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
      const { data: status } = await stack.json('status');
      expect(status).toMatchObject({ backup: { last: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) } });
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

  it(
    'takes sets as whole as those of the host, and names what could not be handed on to it',
    { timeout: longMs },
    async () => {
      using outside = temporaryFolder();
      const env = join(stack.dir, '.env');
      const written = readFileSync(env, 'utf8');
      const key = join(outside.path, 'unsubscribe.key');
      writeFileSync(key, /^UNSUBSCRIBE_KEY=(.*)$/m.exec(written)?.[1] ?? '', { mode: 0o600 });
      mkdirSync(join(stack.dir, 'secrets/deep'), { mode: 0o700 });
      writeFileSync(join(stack.dir, 'secrets/deep/octets'), Buffer.from([0, 255, 10, 128]));
      try {
        writeFileSync(env, written.replace(/^UNSUBSCRIBE_KEY=.*$/m, `UNSUBSCRIBE_KEY_FILE=${key}`));
        expect((await stack.mailctl('up', '--yes', '--no-input')).exit).toBe(0);
        const whole = await inScheduler('backup', 'run');
        expect(whole).toMatchObject({ ok: true, warnings: [] });
        const secrets = await namesInPart(whole, 'secrets');
        expect(secrets).toEqual(expect.arrayContaining(['.env', 'secrets/deep/octets', `outside${key}`]));
        const config = await namesInPart(whole, 'config');
        expect(config).toEqual(expect.arrayContaining(['compose.yaml', 'rendered/nginx/nginx.conf']));

        writeFileSync(join(stack.dir, 'secrets/deep/large'), '');
        truncateSync(join(stack.dir, 'secrets/deep/large'), 17 * 1024 * 1024);
        expect((await stack.mailctl('up', '--yes', '--no-input')).exit).toBe(0);
        const lacking = await inScheduler('backup', 'run');
        expect(lacking.warnings).toEqual([
          expect.stringMatching(/secrets\/deep\/large could not be handed on to the scheduler/),
        ]);
        const manifest = readFileSync(join(stack.dir, 'backups', idOf(lacking), 'manifest.json'), 'utf8');
        expect(JSON.parse(manifest)).toMatchObject({ missing: ['secrets/deep/large'] });
      } finally {
        writeFileSync(env, written);
        rmSync(join(stack.dir, 'secrets/deep'), { recursive: true });
        await stack.mailctl('up', '--yes', '--no-input');
      }
    },
  );

  it.each(rowNames)('carries out the row %s inside its container', { timeout: longMs }, async (row) => {
    const { error, data } = await inScheduler('schedule', 'run', row);
    expect(error).toBeUndefined();
    expect(data).toMatchObject({ runs: [{ name: row, outcome: 'done', exit: 0 }] });
    const { data: told } = await stack.json('schedule', 'history', row);
    expect(told).toMatchObject({
      runs: expect.arrayContaining([expect.objectContaining({ outcome: 'done' })]),
    });
  });
});

it(
  'the sets that the scheduler copies are in the folder that the host knows',
  { timeout: longMs },
  async () => {
    const { data } = await stack.json('backup', 'list');
    const sets = (data?.['sets'] ?? []) as readonly { readonly id: string }[];
    const ids = sets.map(({ id }) => id);
    expect(ids).not.toEqual([]);
    // Copies of sets that were pruned here stay.
    expect(readdirSync(join(stack.dir, copyFolder))).toEqual(expect.arrayContaining(ids));
    expect((await stack.json('backup', 'copy', '--missing', '--dry-run')).data).toMatchObject({
      plan: { steps: [] },
    });
  },
);

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

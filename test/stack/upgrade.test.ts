import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { containerOf, until } from './harness/containers.ts';
import { imageOf } from './harness/images.ts';
import { type Sender, startSender } from './harness/sender.ts';
import { mailctlProgram, runningStack, type TestStack, withValues } from './harness/stack.ts';

const longMs = 900_000;
const services = ['postgres', 'redis', 'mariadb', 'postal-web', 'api', 'worker', 'relay', 'scheduler'];

let stack: TestStack;
let written: string;

function configure(values: Readonly<Record<string, string>>): void {
  writeFileSync(join(stack.dir, '.env'), withValues(written, values));
}

/** An image that is another one with these lines below. */
async function imageOn(base: string, name: string, ...lines: readonly string[]): Promise<string> {
  const input = [`FROM ${base}`, ...lines].join('\n');
  const { exit, stderr } = await exec(['docker', 'build', '--tag', imageOf(name), '-'], {
    input,
    timeoutMs: longMs,
  });
  if (exit !== 0) throw new Error(stderr);
  return imageOf(name);
}

async function imagesThatRun(): Promise<readonly string[]> {
  return Promise.all(services.map(async (service) => (await containerOf(stack, service)).image));
}

/** What the sender was answered 250 for is in the database, every id. */
async function expectNothingLost(sender: Sender): Promise<void> {
  await sender.stop();
  const script = 'psql -XAt -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "select id from messages"';
  await until('every accepted message is in the database', async () => {
    const { stdout } = await stack.docker('exec', `${stack.name}-postgres-1`, 'sh', '-c', script);
    const stored = new Set(stdout.split('\n'));
    return sender.accepted.every((id) => stored.has(id));
  });
  expect(sender.accepted.length).toBeGreaterThan(20);
  expect(new Set(sender.accepted).size).toBe(sender.accepted.length);
}

beforeAll(async () => {
  stack = await runningStack();
  written = readFileSync(join(stack.dir, '.env'), 'utf8');
  await stack.mailctl('backup', 'key', 'make', '--out', join(stack.dir, 'escrow.key'), '--yes');
}, longMs);

afterAll(async () => {
  writeFileSync(join(stack.dir, '.env'), written);
  await stack.mailctl('up', '--yes', '--no-input');
}, longMs);

describe('an upgrade', () => {
  it('is refused without a backup, and changes nothing', { timeout: longMs }, async () => {
    configure({ REDIS_IMAGE: await imageOn(imageOf('redis'), 'redis-unsaved', 'LABEL saved=no') });
    const { stdout } = await stack.env(
      ['BACKUP_VERIFY_KEY=secrets/nowhere.key'],
      'upgrade',
      '--yes',
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      error: { exit: 21, message: expect.stringMatching(/^no upgrade without a backup: /) },
    });
    configure({});
    expect((await stack.json('up')).data).toMatchObject({ plan: { steps: [] } });
  });

  it(
    'to another major version of PostgreSQL is refused before anything is done',
    { timeout: longMs },
    async () => {
      configure({ POSTGRES_IMAGE: await imageOn(imageOf('postgres'), 'postgres-other', 'ENV PG_MAJOR=18') });
      expect((await stack.json('upgrade', '--yes')).error).toMatchObject({
        exit: 21,
        message: 'PostgreSQL 18 does not start on the data of PostgreSQL 17; nothing was changed',
      });
      configure({});
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });
    },
  );

  it(
    'to an image whose api does not start is taken back, while the relay accepts all the time and loses nothing',
    { timeout: longMs },
    async () => {
      const before = await imagesThatRun();
      const own = (await stack.docker('inspect', '--format', '{{.Config.Image}}', `${stack.name}-api-1`))
        .stdout;
      const broken =
        '[ "$0" = api ] && { echo "broken on purpose" >&2; exit 70; }; exec node /opt/mailctl/bin/mailctl.js "$0" "$@"';
      const entry = `ENTRYPOINT ${JSON.stringify(['sh', '-c', broken])}`;
      const relay = await containerOf(stack, 'relay');
      configure({ MAILCTL_IMAGE: await imageOn(own.trim(), 'own-broken', entry) });
      const sender = await startSender(stack);
      const { error } = await stack.json('upgrade', '--yes');
      await expectNothingLost(sender);
      expect(error).toMatchObject({
        exit: 13,
        message: 'the upgrade failed and was taken back: api ends with exit code 70',
      });
      expect(sender.refused).toEqual([]);
      expect(await imagesThatRun()).toEqual(before);
      expect((await containerOf(stack, 'relay')).pid).toBe(relay.pid);
      expect((await stack.json('status')).data).toMatchObject({ healthy: true, problems: [] });
    },
  );

  it(
    'that was killed is mended by up, finished by running it again, and taken back by rollback; no mail is lost',
    { timeout: longMs },
    async () => {
      const before = await containerOf(stack, 'redis');
      const next = await imageOn(imageOf('redis'), 'redis-next', 'LABEL release=next');
      configure({ REDIS_IMAGE: next });
      const sender = await startSender(stack);
      await killAnUpgrade();

      const up = await stack.mailctl('up', '--yes', '--no-input');
      expect(up.stderr).toMatch(/mailctl upgrade .* died; its lock is taken over/);
      expect(up.exit).toBe(0);
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });

      const again = await stack.json('upgrade', '--yes');
      expect(again.error).toBeUndefined();
      const after = await containerOf(stack, 'redis');
      expect(after).toMatchObject({ health: 'healthy' });
      expect(after.image).not.toBe(before.image);
      expect((await stack.json('upgrade', '--yes')).data).toMatchObject({ plan: { steps: [] } });

      const back = await stack.json('upgrade', 'rollback', '--yes');
      expect(back.error).toBeUndefined();
      await expectNothingLost(sender);
      expect(sender.refused).toEqual([]);
      expect((await containerOf(stack, 'redis')).image).toBe(before.image);
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });
      expect((await stack.json('upgrade', 'rollback', '--yes')).error).toMatchObject({ exit: 21 });
    },
  );
});

/** Starts an upgrade, and kills it with SIGKILL once it has stopped the api. */
async function killAnUpgrade(): Promise<void> {
  const words = [mailctlProgram, '-C', stack.dir, 'upgrade', '--yes', '--no-input'];
  const upgrade = spawn(process.execPath, words, { stdio: 'ignore' });
  const ended = once(upgrade, 'exit');
  await until('it has stopped the api', async () => (await containerOf(stack, 'api')).pid === 0);
  upgrade.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

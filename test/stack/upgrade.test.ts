import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { containerOf, inPostgres, until } from './harness/containers.ts';
import { imageOf } from './harness/images.ts';
import { startRegistry } from './harness/registry.ts';
import { expectNothingLost, startSender } from './harness/sender.ts';
import { mailctlProgram, runningStack, type TestStack, withValues } from './harness/stack.ts';

const longMs = 900_000;
const services = [
  'postgres',
  'redis',
  'mariadb',
  'postal-web',
  'api',
  'worker',
  'nginx',
  'relay',
  'scheduler',
];

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

/** Of the image that our services run from. */
async function ownImageName(): Promise<string> {
  const format = '{{.Config.Image}}';
  return (await stack.docker('inspect', '--format', format, `${stack.name}-api-1`)).stdout.trim();
}

/** The entry point of an image whose api ends at once. */
const brokenApi = JSON.stringify([
  'sh',
  '-c',
  '[ "$0" = api ] && { echo "broken on purpose" >&2; exit 70; }; exec node /opt/mailctl/bin/mailctl.js "$0" "$@"',
]);

/** Serves as the real one does, but never tells Postal that a request is for tracking. */
const nginxThatTracksNothing = `#!/bin/sh
mkdir -p /tmp/silent && cp -r /etc/mailctl/nginx/. /tmp/silent
sed -i 's/X-Postal-Track-Host/X-Nothing/; s#/etc/mailctl/nginx/sites#/tmp/silent/sites#' \
  /tmp/silent/nginx.conf /tmp/silent/sites/*.conf
exec /usr/sbin/nginx -e stderr -c /tmp/silent/nginx.conf -g 'daemon off;'
`;

async function imagesThatRun(): Promise<readonly string[]> {
  return Promise.all(services.map(async (service) => (await containerOf(stack, service)).image));
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
    'that migrated a database and then fails is not taken back: it says so, and where the data of before are',
    { timeout: longMs },
    async () => {
      const before = await imagesThatRun();
      const migration = `echo 'create table one_way (id int)' >/opt/mailctl/src/store/migrations/9999_one_way.sql`;
      const lines = ['USER 0', `RUN ${migration}`, 'USER 10053:10053', `ENTRYPOINT ${brokenApi}`];
      configure({ MAILCTL_IMAGE: await imageOn(await ownImageName(), 'own-one-way', ...lines) });
      try {
        const { error } = await stack.json('upgrade', '--yes');
        expect(error).toMatchObject({
          exit: 13,
          message: expect.stringMatching(
            /^the upgrade failed: api ends with exit code 70; and it was not taken back: there is no way back to the images of before: mailctl's database went from \d+ to 9999$/,
          ),
          hint: expect.stringMatching(/are in the set \d{8}T\d{6}Z-\w+: mailctl backup restore/),
        });
        expect((await stack.json('upgrade', 'rollback', '--yes')).error).toMatchObject({
          exit: 21,
          message: expect.stringMatching(/^there is no way back to the images of before/),
        });
      } finally {
        await inPostgres(stack, 'drop table if exists one_way; delete from migrations where version = 9999');
        configure({});
      }
      const back = await stack.json('upgrade', 'rollback', '--yes');
      expect(back.error).toBeUndefined();
      expect(await imagesThatRun()).toEqual(before);
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });
    },
  );

  it(
    'after which mail does not flow is taken back, though every service is well',
    { timeout: longMs },
    async () => {
      const before = await imagesThatRun();
      const script = Buffer.from(nginxThatTracksNothing).toString('base64');
      const install = `RUN echo ${script} | base64 -d >/usr/local/bin/nginx && chmod 755 /usr/local/bin/nginx`;
      const silent = await imageOn(imageOf('nginx'), 'nginx-silent', install);
      configure({ NGINX_IMAGE: silent, E2E_TIMEOUT: '5s' });
      const { error } = await stack.json('upgrade', '--yes');
      expect(error).toMatchObject({
        exit: 20,
        message: expect.stringMatching(
          /^the upgrade failed and was taken back: mail does not flow: \S+ is broken$/,
        ),
      });
      expect(await imagesThatRun()).toEqual(before);
      configure({});
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });
    },
  );

  it(
    'to an image whose api does not start is taken back, while the relay accepts all the time and loses nothing',
    { timeout: longMs },
    async () => {
      const before = await imagesThatRun();
      const relay = await containerOf(stack, 'relay');
      const broken = await imageOn(await ownImageName(), 'own-broken', `ENTRYPOINT ${brokenApi}`);
      configure({ MAILCTL_IMAGE: broken });
      const sender = await startSender(stack);
      const { error } = await stack.json('upgrade', '--yes');
      await expectNothingLost(stack, sender);
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
    'that was killed is mended by up, finished by running it again, and taken back by rollback; no mail is lost, though the relay changes too',
    { timeout: longMs },
    async () => {
      await using registry = await startRegistry();
      const name = registry.nameOf('redis:8');
      await registry.push(imageOf('redis'), name);
      configure({ REDIS_IMAGE: name });
      expect((await stack.json('up', '--yes')).error).toBeUndefined();
      const before = await containerOf(stack, 'redis');
      const relay = await containerOf(stack, 'relay');
      await registry.move(imageOf('redis'), 'release=next', name);
      await expectDryRunToShow(`get ${name}`);
      const sender = await startSender(stack);
      await killAnUpgrade();

      const up = await stack.mailctl('up', '--yes', '--no-input');
      expect(up.stderr).toMatch(/mailctl upgrade .* died; its lock is taken over/);
      expect(up.exit).toBe(0);
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });

      const ownNext = await imageOn(await ownImageName(), 'own-next', 'LABEL release=next');
      configure({ REDIS_IMAGE: name, MAILCTL_IMAGE: ownNext });
      const again = await stack.json('upgrade', '--yes');
      expect(again.error).toBeUndefined();
      expect((await containerOf(stack, 'relay')).image).not.toBe(relay.image);
      const after = await containerOf(stack, 'redis');
      expect(after).toMatchObject({ health: 'healthy' });
      expect(after.image).not.toBe(before.image);
      expect((await stack.json('upgrade', '--yes')).data).toMatchObject({ plan: { steps: [] } });

      const back = await stack.json('upgrade', 'rollback', '--yes');
      expect(back.error).toBeUndefined();
      await expectNothingLost(stack, sender);
      expect(sender.refused.filter((why) => why.startsWith('5'))).toEqual([]);
      expect((await containerOf(stack, 'redis')).image).toBe(before.image);
      expect((await containerOf(stack, 'relay')).image).toBe(relay.image);
      expect((await stack.json('status')).data).toMatchObject({ healthy: true });
      expect((await stack.json('upgrade', 'rollback', '--yes')).error).toMatchObject({ exit: 21 });
    },
  );
});

/** A dry run names the image with its digests, takes no set, and changes nothing. */
async function expectDryRunToShow(words: string): Promise<void> {
  const before = await imagesThatRun();
  const sets = readdirSync(join(stack.dir, 'backups'));
  const { data } = await stack.json('upgrade', '--dry-run');
  const plan = data?.['plan'] as { readonly steps: readonly { readonly what: string }[] } | undefined;
  expect(data).toMatchObject({ applied: false });
  const shown = plan?.steps.map(({ what }) => what).find((what) => what.startsWith(words));
  expect(shown?.slice(words.length)).toMatch(/^: [0-9a-f]{12} → [0-9a-f]{12} \(redis\)$/);
  expect(await imagesThatRun()).toEqual(before);
  expect(readdirSync(join(stack.dir, 'backups'))).toEqual(sets);
}

/** Starts an upgrade, and kills it with SIGKILL once it has stopped the api. */
async function killAnUpgrade(): Promise<void> {
  const words = [mailctlProgram, '-C', stack.dir, 'upgrade', '--yes', '--no-input'];
  const upgrade = spawn(process.execPath, words, { stdio: 'ignore' });
  const ended = once(upgrade, 'exit');
  await until('it has stopped the api', async () => (await containerOf(stack, 'api')).pid === 0);
  upgrade.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Envelope, type SpoiltStack, spoiltStack } from './harness/stack.ts';

const longMs = 600_000;

let stack: SpoiltStack;

beforeAll(async () => {
  stack = await spoiltStack();
}, longMs);
afterAll(async () => stack[Symbol.asyncDispose](), longMs);
beforeEach(async () => {
  stack.spoil({});
  await stack.mailctl('down', '--volumes', '--confirm', stack.name, '--yes');
}, longMs);

/** What a failed `up` of these services alone says. */
async function failureOf(...services: readonly string[]): Promise<Envelope['error']> {
  const { ok, error } = await stack.json('up', ...services, '--only', '--yes');
  expect(ok).toBe(false);
  return error;
}

/** Starts these services alone, and gives back what `up` said meanwhile. */
async function start(...services: readonly string[]): Promise<string> {
  const { exit, stderr } = await stack.mailctl('up', ...services, '--only', '--yes', '--no-input');
  if (exit !== 0) throw new Error(`up ended with ${exit}: ${stderr}`);
  return stderr;
}

async function asRoot(sql: string): Promise<void> {
  const script = 'MYSQL_PWD=$(cat /run/secrets/MARIADB_ROOT_PASSWORD) mariadb -u root -e "$0"';
  const { exit, stderr } = await stack.docker('exec', `${stack.name}-mariadb-1`, 'sh', '-c', script, sql);
  if (exit !== 0) throw new Error(stderr);
}

describe('up', () => {
  it(
    'shows its plan first, and then says of each service as it becomes well, and after how long',
    { timeout: longMs },
    async () => {
      const said = await start('redis');
      expect(said).toMatch(
        /^Bring mailctl-test-spoilt up\n(?: {2}.+\n)* {2}start redis and wait until it is well\n(?: {2}.+\n)*✔ /m,
      );
      expect(said).toMatch(/^ +redis is healthy \(\d+\.\d s\)\n✔ start redis /m);
    },
  );
});

describe('down', () => {
  it(
    'destroys what an earlier configuration made too, such as the certificates',
    { timeout: longMs },
    async () => {
      await start('redis');
      const label = `com.docker.compose.project=${stack.name}`;
      await stack.docker('volume', 'create', `--label=${label}`, `${stack.name}_letsencrypt`);
      await stack.mailctl('down', '--volumes', '--confirm', stack.name, '--yes');
      for (const kind of ['volume', 'network'])
        expect((await stack.docker(kind, 'ls', '-q', '--filter', `label=${label}`)).stdout).toBe('');
    },
  );
});

describe('up, when something goes wrong with a service', () => {
  it('names one that crashes, with its last lines and the next command', { timeout: longMs }, async () => {
    stack.spoil({}, { services: { redis: { command: ['redis-server', '--no-such-setting', 'x'] } } });
    const error = await failureOf('redis');
    expect(error).toMatchObject({
      exit: 13,
      message: 'redis ends with exit code 1',
      hint: expect.stringContaining('mailctl logs redis'),
    });
    const said = (await stack.mailctl('up', 'redis', '--only', '--yes', '--no-input')).stderr;
    expect(said).toMatch(/no-such-setting/);
  });

  it(
    'names one that wants more memory than it may have, and the variable to raise',
    { timeout: longMs },
    async () => {
      stack.spoil({ RELAY_MEMORY: '16MB' });
      expect(await failureOf('relay')).toMatchObject({
        exit: 13,
        message: expect.stringMatching(/^relay was killed because it wanted more .* raise RELAY_MEMORY$/),
      });
      expect((await stack.json('status')).data?.['problems']).toContainEqual(
        expect.stringMatching(/^relay was killed because it wanted more/),
      );
    },
  );

  it('names one whose volume is full', { timeout: longMs }, async () => {
    const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=12m,mode=1777' };
    stack.spoil({}, { volumes: { 'postgres-data': { driver: 'local', driver_opts: options } } });
    expect(await failureOf('postgres')).toMatchObject({
      exit: 13,
      message: 'postgres has no space left: its volume or the disk is full',
      hint: expect.stringContaining('df -h'),
    });
  });

  it(
    'says that a password is not the one the database was made with, of PostgreSQL and of MariaDB',
    { timeout: longMs },
    async () => {
      await start('postgres', 'mariadb');
      await stack.mailctl('down', '--yes');
      const wrong = randomBytes(32).toString('base64url');
      for (const [variable, services] of [
        ['MARIADB_POSTAL_PASSWORD', ['mariadb']],
        ['MARIADB_ROOT_PASSWORD', ['mariadb']],
        ['POSTGRES_PASSWORD', ['postgres', 'migrate']],
      ] as const) {
        stack.spoil({ [variable]: wrong });
        const error = await failureOf(...services);
        expect(error).toMatchObject({ exit: 12, hint: expect.stringContaining(variable) });
        expect(JSON.stringify(error)).not.toContain(wrong);
      }
      stack.spoil({});
      await start('mariadb', 'migrate');
    },
  );

  it(
    'gives Redis a new password when .env has one, and names one that was started with another',
    { timeout: longMs },
    async () => {
      await start('redis');
      stack.spoil({ REDIS_PASSWORD: randomBytes(32).toString('base64url') });
      await start('redis');
      const ping = 'REDISCLI_AUTH=$(cat /run/secrets/REDIS_PASSWORD) redis-cli ping';
      expect((await stack.docker('exec', `${stack.name}-redis-1`, 'sh', '-c', ping)).stdout.trim()).toBe(
        'PONG',
      );
      const command = ['redis-server', '/run/secrets/redis.conf', '--requirepass', 'another'];
      stack.spoil({}, { services: { redis: { command } } });
      expect(await failureOf('redis')).toMatchObject({
        exit: 12,
        message: 'redis does not take the password of .env',
        hint: expect.stringContaining('REDIS_PASSWORD'),
      });
    },
  );

  it(
    'does not set Postal up where databases of mail servers are there and its main one is empty, or half restored',
    { timeout: longMs },
    async () => {
      await start('mariadb');
      await asRoot('create database `postal-server-1`');
      expect(await failureOf('postal-init')).toMatchObject({
        exit: 21,
        message: expect.stringMatching(/^MariaDB holds 1 databases of mail servers, but postal is empty/),
      });
      for (const sql of [
        'create table postal.servers (id int)',
        'create table postal.schema_migrations (version int)',
      ]) {
        await asRoot(sql);
        expect(await failureOf('postal-init')).toMatchObject({
          exit: 21,
          message: expect.stringMatching(
            /, but postal is not whole \([12] tables, no migration written down\)/,
          ),
        });
      }
      await asRoot('insert into postal.schema_migrations values (1)');
      await start('postal-init');
    },
  );

  it(
    'says that a service is not well in time, with what its health check says',
    { timeout: longMs },
    async () => {
      const test = ['CMD-SHELL', 'echo not yet; exit 1'];
      stack.spoil({}, { services: { redis: { healthcheck: { test } } } });
      const { stdout } = await stack.mailctl('up', 'redis', '--only', '--yes', '--json', '--wait', '8s');
      expect((JSON.parse(stdout) as Envelope).error).toMatchObject({
        exit: 14,
        message: expect.stringMatching(/^not healthy after 8\.0 s: redis \(starting: not yet\)/),
      });
    },
  );
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { containerIds, containerOf, until } from './harness/containers.ts';
import { expectNothingLost, startSender } from './harness/sender.ts';
import { type ProcessGroup, startGroup } from '../engines/process-group.ts';
import {
  type Envelope,
  mailctlProgram,
  prepareStack,
  runningStack,
  type TestStack,
} from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;

/** A part of what a command reported. */
function part<T>({ data }: Envelope, name: string): T {
  return data?.[name] as T;
}

async function healthyServices(): Promise<readonly string[]> {
  const services = part<{ name: string; health: string }[]>(await stack.json('status'), 'services');
  return services.filter(({ health }) => health === 'healthy').map(({ name }) => name);
}

/** So many groups, with services that start one after the other in different ones. */
function wavesOf(services: readonly string[], many: number): readonly (readonly string[])[] {
  return Array.from({ length: many }, (_, wave) => services.filter((_name, index) => index % many === wave));
}

/** A command that runs until it is told to stop. */
function mailctlThatStays(...words: readonly string[]): ProcessGroup {
  return startGroup([process.execPath, mailctlProgram, '-C', stack.dir, ...words], {});
}

interface ShownOfService {
  readonly name: string;
  readonly health: string;
  readonly version: string | null;
  readonly memory_bytes: number | null;
  readonly memory_limit_bytes: number | null;
  readonly processors: number | null;
}

interface LogLine {
  readonly level: string | null;
  readonly message_id: string | null;
  readonly msg: string;
}

interface Shown {
  readonly sending: { readonly paused: boolean };
}

interface Inspected {
  readonly Name: string;
  readonly Config: { readonly User: string };
  readonly HostConfig: { readonly Memory: number; readonly PidsLimit: number; readonly NanoCpus: number };
}

/** An engine of an old version, as far as it is asked before anything is done. */
async function oldEngine(version: string): Promise<AsyncDisposable & { readonly socket: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'mailctl-engine-'));
  const socket = join(folder, 'docker.sock');
  const server = createHttpServer((asked, answer) => {
    answer.setHeader('content-type', 'application/json');
    const about = { ServerVersion: version, DockerRootDir: '/', SystemTime: new Date().toISOString() };
    const isInfo = asked.url?.endsWith('/info');
    answer.end(JSON.stringify(isInfo ? { ...about, MemTotal: 2 ** 40, NCPU: 2 } : []));
  }).listen(socket);
  await once(server, 'listening');
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

describe('what keeps the stack from starting', () => {
  beforeAll(async () => {
    stack = await prepareStack();
    await stack.mailctl('down', '--volumes', '--confirm', stack.name, '--yes');
  }, longMs);

  it(
    'is a port that is taken: named with its remedy, and nothing is changed',
    { timeout: longMs },
    async () => {
      const taken = createServer().listen(21_587, '127.0.0.1');
      await once(taken, 'listening');
      const { error } = await stack.json('up');
      taken.close();
      expect(error).toMatchObject({
        exit: 21,
        message: expect.stringMatching(/^port 21587 is taken .*relay/),
      });
      expect(
        (await stack.docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${stack.name}`))
          .stdout,
      ).toBe('');
    },
  );

  it.each([
    ['no engine', { DOCKER_HOST: 'unix:///nowhere/docker.sock' }, 13, 'no Docker engine answers'],
    ['a disk too small', { UP_LEAST_DISK: '900000GB' }, 21, 'GB are free'],
    ['a clock that is apart', { UP_MOST_CLOCK_SKEW: '0s' }, 21, "the engine's clock is"],
    ['too little memory', { UP_LEAST_MEMORY: '900000GB' }, 21, 'of memory'],
    [
      'an image that is not to be had',
      { REDIS_IMAGE: 'mailctl-test/nowhere:1' },
      13,
      'mailctl-test/nowhere:1',
    ],
  ])('is %s', { timeout: longMs }, async (_what, environment, exit, words) => {
    stack = await prepareStack();
    const before = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const { stdout } = await stack.env(before, 'up', '--json');
    const { error } = JSON.parse(stdout) as Envelope;
    expect(error).toMatchObject({ exit, message: expect.stringContaining(words) });
  });

  it.each([
    ['too old', 'echo v2.5.0', 'Docker Compose is 2.5.0, and 2.20 is the oldest that works'],
    [
      'missing',
      `echo "docker: 'compose' is not a docker command." >&2; exit 1`,
      'Docker Compose is not installed',
    ],
  ])('is a Compose that is %s', { timeout: longMs }, async (_what, script, words) => {
    stack = await prepareStack();
    const folder = mkdtempSync(join(tmpdir(), 'mailctl-docker-'));
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    try {
      const { stdout } = await stack.env([`PATH=${folder}:${process.env['PATH']}`], 'up', '--json');
      const { error } = JSON.parse(stdout) as Envelope;
      expect(error).toMatchObject({ exit: 13, message: expect.stringContaining(words) });
      expect(error?.hint).toContain('https://docs.docker.com/compose/install');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('an engine that is too old', () => {
  it('is named with its version and where to get another one', { timeout: longMs }, async () => {
    stack = await prepareStack();
    await using engine = await oldEngine('19.03.15');
    const { stdout } = await stack.env([`DOCKER_HOST=unix://${engine.socket}`], 'up', '--json');
    expect((JSON.parse(stdout) as Envelope).error).toMatchObject({
      exit: 13,
      message: expect.stringContaining('the Docker engine is 19.03.15, and 20.10 is the oldest that works'),
      hint: expect.stringContaining('https://docs.docker.com/engine/install'),
    });
  });
});

describe('the stack', () => {
  beforeAll(async () => {
    stack = await runningStack();
  }, longMs);

  it('carries a message from SMTP to the signed webhook', { timeout: longMs }, async () => {
    const { ok, data } = await stack.json('e2e');
    expect(data).toMatchObject({ failed: 0, first_broken_hop: null });
    expect(ok).toBe(true);
  });

  it(
    'is left alone by another up, which says where all is and where the login of Postal',
    { timeout: longMs },
    async () => {
      const { data, warnings } = await stack.json('up');
      expect(data).toMatchObject({ plan: { steps: [] }, urls: { api: 'http://api.example.com' } });
      expect(warnings).toContainEqual(
        expect.stringMatching(/^no address is known for .*\bapi\.example\.com\b.*mailctl domains records$/),
      );
      const { stdout } = await stack.mailctl('up', '--yes', '--no-input');
      const file = /the password is in (\S+)/.exec(stdout)?.[1] ?? 'nowhere';
      expect(readFileSync(join(stack.dir, file), 'utf8')).toMatch(/^\S{20,}\n$/);
      expect(stdout).toContain('http://postal.example.com with ADMIN_EMAIL');
      expect(JSON.stringify((await stack.json('history')).data)).toMatch(/"command":"up/);
    },
  );

  it(
    'says in status that every service is well, in which version, what it uses, and what waits at every hop',
    { timeout: longMs },
    async () => {
      const status = await stack.json('status');
      expect(status.data).toMatchObject({ healthy: true, problems: [], sending: { paused: false } });
      const services = part<ShownOfService[]>(status, 'services');
      const version = (service: string) => services.find(({ name }) => name === service)?.version;
      const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
        readonly version: string;
      };
      expect(version('postgres')).toMatch(/^\d+\.\d+/);
      expect(version('mariadb')).toMatch(/^\d+\.\d+\.\d+/);
      expect(version('relay')).toBe(own.version);
      const running = services.filter(({ health }) => health === 'healthy');
      expect(running.length).toBeGreaterThan(10);
      for (const { name, memory_bytes: used, memory_limit_bytes: limit, processors } of running) {
        expect(Math.min(used ?? 0, (limit ?? 0) - (used ?? 0)), name).toBeGreaterThan(0);
        expect(processors, name).toBeGreaterThanOrEqual(0);
      }
      const hops = part<{ hop: string; depth: number; oldest_seconds: number }[]>(status, 'hops');
      expect(hops.map(({ hop }) => hop)).toEqual(['relay', 'queue', 'postal', 'postal-webhooks', 'webhooks']);
      for (const { hop, depth, oldest_seconds: oldest } of hops)
        expect(Math.min(depth, oldest), hop).toBeGreaterThanOrEqual(0);
    },
  );

  it('checks senders against the domains that Postal has verified', { timeout: longMs }, async () => {
    const checked = async () => part<{ checked: boolean }>(await stack.json('status'), 'senders').checked;
    await until('the worker has looked', checked);
  });

  it('merges what its services say by time', { timeout: longMs }, async () => {
    const { stdout } = await stack.mailctl('logs', 'api', 'relay', 'worker', '--json');
    const lines = stdout.split('\n').map((line) => JSON.parse(line) as { time: string; service: string });
    expect(new Set(lines.map(({ service }) => service)).size).toBeGreaterThan(1);
    expect(lines.map(({ time }) => time)).toEqual(lines.map(({ time }) => time).toSorted());
  });

  it('prints of what they say only lines of a level, or about a message', { timeout: longMs }, async () => {
    const linesOf = async (...flags: readonly string[]) => {
      const { stdout } = await stack.mailctl('logs', ...flags, '--json');
      return stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as LogLine);
    };
    const sender = await startSender(stack);
    await until('a message is accepted', async () => sender.accepted.length > 1);
    await sender.stop();
    const [id = 'no message'] = sender.accepted;
    await until('it is told of', async () => (await linesOf('--message', id)).length > 0);
    const about = await linesOf('--message', id);
    expect(about.filter((line) => line.message_id !== id && !line.msg.includes(id))).toEqual([]);
    const grave = await linesOf('--level', 'warn');
    expect(grave.filter(({ level }) => level !== 'warn' && level !== 'error')).toEqual([]);
  });

  it('gives no container more than it needs', { timeout: longMs }, async () => {
    const ids = await containerIds(stack);
    const found = JSON.parse((await stack.docker('inspect', ...ids)).stdout) as readonly Inspected[];
    expect(found.length).toBeGreaterThan(10);
    for (const { Name: name, Config: config, HostConfig: host } of found) {
      const isPostal = name.includes('postal-');
      const wanted = {
        CapAdd: isPostal ? ['NET_BIND_SERVICE'] : null,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        Privileged: false,
        ReadonlyRootfs: !isPostal,
        RestartPolicy: { Name: 'unless-stopped' },
        LogConfig: { Config: { 'max-size': expect.stringMatching(/^\d/) } },
      };
      expect(host, name).toMatchObject(wanted);
      expect(Math.min(host.Memory, host.PidsLimit, host.NanoCpus), name).toBeGreaterThan(0);
      expect(config.User, name).toMatch(/^[1-9]/);
    }
    const internal = await stack.docker(
      'network',
      'inspect',
      '--format',
      '{{.Internal}}',
      `${stack.name}_data`,
    );
    expect(internal.stdout.trim()).toBe('true');
  });

  it(
    'restarts a service, waits until it is well, and goes on following what it says',
    { timeout: longMs },
    async () => {
      const before = await containerOf(stack, 'redis');
      await using following = mailctlThatStays('logs', 'redis', '--follow', '--since', '1s', '--json');
      expect((await stack.json('restart', 'redis', '--yes')).error).toBeUndefined();
      expect((await containerOf(stack, 'redis')).pid).not.toBe(before.pid);
      expect(await healthyServices()).toContain('redis');
      await until('its next life is heard of', async () =>
        following.said().includes('Ready to accept connections'),
      );
    },
  );

  it("is not well where another service answers on a service's port", { timeout: longMs }, async () => {
    const format = '{{json .Config.Healthcheck.Test}}';
    const told = await stack.docker('inspect', '--format', format, `${stack.name}-relay-1`);
    const [, line = ''] = JSON.parse(told.stdout) as readonly string[];
    const inWorker = (check: string) => stack.docker('exec', `${stack.name}-worker-1`, 'sh', '-c', check);
    const ofWorker = line.replaceAll('relay 9101', 'worker 9103');
    expect(await inWorker(ofWorker)).toMatchObject({ exit: 0, stdout: '' });
    expect(await inWorker(line.replaceAll('9101', '9103'))).toMatchObject({
      exit: 1,
      stdout: 'port 9103 is worker, not relay',
    });
  });

  it('shows in status --watch that sending is paused, and that it goes on', { timeout: longMs }, async () => {
    await using watching = mailctlThatStays('status', '--watch', '--json');
    const shown = () =>
      watching
        .said()
        .split('\n')
        .filter((line) => line.startsWith('{'));
    const paused = () => shown().map((line) => (JSON.parse(line) as Shown).sending.paused);
    await until('it shows the platform', async () => shown().length > 0);
    expect((await stack.json('queue', 'pause', '--reason', 'a look', '--yes')).error).toBeUndefined();
    await until('it shows the pause', async () => paused().at(-1) === true);
    expect((await stack.json('queue', 'resume', '--yes')).error).toBeUndefined();
    await until('it shows its end', async () => paused().at(-1) === false);
    expect(paused()[0]).toBe(false);
  });

  it('heals whichever containers are killed, and mail flows again', { timeout: longMs }, async () => {
    const services = await healthyServices();
    expect(services.length).toBeGreaterThan(10);
    for (const killed of wavesOf(services, 5)) {
      const before = await Promise.all(killed.map((service) => containerOf(stack, service)));
      for (const { pid } of before) process.kill(pid, 'SIGKILL');
      await until(`${killed.join(', ')} are healthy again`, async () => {
        const now = await Promise.all(killed.map((service) => containerOf(stack, service)));
        return now.every(
          ({ pid, health, restarts }, index) =>
            pid !== before[index]?.pid && health === 'healthy' && restarts > (before[index]?.restarts ?? 0),
        );
      });
    }
    await until('all are healthy', async () => (await healthyServices()).length === services.length);
    expect((await stack.json('e2e')).data).toMatchObject({ failed: 0, first_broken_hop: null });
  });

  it(
    'destroys data only when its name is given, and goes down in the midst of mail without losing any',
    { timeout: longMs },
    async () => {
      const sender = await startSender(stack);
      await until('mail is under way', async () => sender.accepted.length > 20);
      expect((await stack.json('down', '--volumes', '--yes')).error).toMatchObject({ exit: 21 });
      const { steps: shown } = part<{ steps: { what: string }[] }>(await stack.json('down', '--yes'), 'plan');
      const steps = shown.map(({ what }) => what);
      expect(steps[0]).toContain('relay');
      expect(steps.at(-2)).toContain('postgres');
      expect((await stack.docker('volume', 'ls', '-q')).stdout).toContain(`${stack.name}_postgres-data`);
      expect(
        (await stack.docker('ps', '-q', '--filter', `label=com.docker.compose.project=${stack.name}`)).stdout,
      ).toBe('');
      await sender.stop();
      await runningStack();
      await expectNothingLost(stack, sender);
      expect(sender.refused.filter((why) => why.startsWith('5'))).toEqual([]);
    },
  );
});

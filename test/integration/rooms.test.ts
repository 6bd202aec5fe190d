import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { freePort } from '../../src/adapters/free-port.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { proveMail } from '../../src/operations/e2e/prove.ts';
import { openRuntime } from '../../src/runtime.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';
import { type Program, startProgram } from '../programs/program.ts';

const world = { clock: systemClock, random: systemRandom, log: () => silentLog };
const uid = process.getuid?.();

/** The sandbox lends its PostgreSQL, its folder and its Postal; relay and worker run as processes of their own. */
let sandbox: Sandbox;
let ports: Record<string, string>;
beforeAll(async () => {
  sandbox = await startSandbox({ without: ['relay', 'worker'] }, world);
  const names = [
    'API_LISTEN',
    'API_INTERNAL_LISTEN',
    'API_HEALTH_LISTEN',
    'WORKER_HEALTH_LISTEN',
    'RELAY_HEALTH_LISTEN',
  ];
  const listeners = [...names, 'RELAY_SUBMISSION_LISTEN', 'RELAY_TLS_LISTEN'];
  ports = Object.fromEntries(
    await Promise.all(listeners.map(async (name) => [name, `127.0.0.1:${await freePort()}`] as const)),
  );
  ports['API_INTERNAL_URL'] = `http://${ports['API_INTERNAL_LISTEN']}`;
});
afterAll(async () => sandbox[Symbol.asyncDispose]());

function start(room: string): Promise<Program> {
  return startProgram('mailctl.ts', { args: ['-C', sandbox.dir, room], environment: ports });
}

async function healthOf(room: string, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://${ports[`${room.toUpperCase()}_HEALTH_LISTEN`]}${path}`);
  return { status: response.status, body: await response.text() };
}

describe('relay, api and worker, each a process of its own', () => {
  it('carry a message end to end, answer for their health, and end with 0 on SIGTERM', async () => {
    await using api = await start('api');
    await using relay = await start('relay');
    await using worker = await start('worker');
    const rooms = { api, relay, worker };

    for (const room of Object.keys(rooms)) {
      await vi.waitFor(async () => expect((await healthOf(room, '/health/ready')).status).toBe(200), {
        timeout: 10_000,
      });
      expect(await healthOf(room, '/health/live')).toMatchObject({ status: 200 });
      expect((await healthOf(room, '/metrics')).body).toContain(`service="${room}"`);
    }

    await using runtime = openRuntime({
      dir: sandbox.dir,
      environment: { ...ports, E2E_SMTP_ADDRESS: ports['RELAY_SUBMISSION_LISTEN'] },
      uid,
    });
    const report = await proveMail(runtime, {
      checks: ['relay', 'ams-webhook'],
      to: undefined,
      tell: () => undefined,
      stop: new AbortController().signal,
    });
    expect(report.checks.filter(({ result }) => result === 'fail')).toEqual([]);

    for (const [room, program] of Object.entries(rooms)) {
      program.kill('SIGTERM');
      expect([room, await program.ended]).toEqual([room, 0]);
    }
  });

  it.each(['api', 'relay', 'worker'])(
    '%s says in one line what is missing, and ends with 10',
    async (room) => {
      const failing = startProgram('mailctl.ts', {
        args: ['-C', '/', room],
        environment: { MAIL_DOMAIN: '' },
      });

      await expect(failing).rejects.toThrow(
        /ended with 10:[^]*the configuration is not usable[^]*is not set/,
      );
    },
  );

  it('start without the api or the database: the relay waits ready to accept, the worker says what it lacks', async () => {
    const lonely = { POSTGRES_PORT: '9', API_INTERNAL_URL: 'http://127.0.0.1:9' };
    await using worker = await startProgram('mailctl.ts', {
      args: ['-C', sandbox.dir, 'worker'],
      environment: { ...ports, ...lonely },
    });

    await vi.waitFor(
      async () => expect(await healthOf('worker', '/health/ready')).toMatchObject({ status: 503 }),
      {
        timeout: 10_000,
      },
    );

    expect((await healthOf('worker', '/health/live')).status).toBe(200);
    worker.kill('SIGTERM');
    expect(await worker.ended).toBe(0);
  });
});

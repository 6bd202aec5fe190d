import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { freePort } from '../../src/adapters/free-port.ts';
import { openRig, type Rig } from '../integration/worker/rig.ts';
import { type Program, startProgram } from '../programs/program.ts';
import { until } from '../store/until.ts';

const longestMs = 60_000;
const check = join(import.meta.dirname, '../../templates/image/health.sh');

let rig: Rig;
let worker: Program;
let port: number;

beforeEach(async () => {
  rig = await openRig();
  port = await freePort();
  worker = await startProgram('worker.ts', { environment: environment() });
});
afterEach(async () => {
  worker.kill('SIGCONT');
  await worker[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

function environment(): Readonly<Record<string, string>> {
  const { host, port: at, database, user, password } = rig.address;
  return {
    MAILCTL_MODE: 'sandbox',
    MAIL_DOMAIN: 'mail.acme.test',
    ADMIN_EMAIL: 'ops@acme.test',
    POSTGRES_HOST: host,
    POSTGRES_PORT: String(at),
    POSTGRES_DATABASE: database,
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password.reveal() || 'unused',
    POSTAL_URL: rig.postal.url,
    POSTAL_HOSTNAME: 'postal.example.test',
    POSTAL_API_KEY: 'ILhJDVFXjMGU6bzl1mIo2lCL',
    WEBHOOK_SEALING_KEY: 'k'.repeat(43),
    UNSUBSCRIBE_KEY: 'u'.repeat(43),
    API_URL: 'https://api.acme.test/',
    WORKER_HEALTH_LISTEN: `127.0.0.1:${port}`,
    WORKER_POLL_INTERVAL: '20ms',
    WORKER_UPKEEP_INTERVAL: '50ms',
    WORKER_STALL_AFTER: '2s',
    POSTAL_SETTLE_TIME: '500ms',
  };
}

/** What the check of its container says; undefined when all is well. Docker ends one that takes too long in the same way. */
async function unhealthy(withinMs = 5_000): Promise<string | undefined> {
  return promisify(execFile)('bash', [check, 'worker', String(port)], { timeout: withinMs }).then(
    () => undefined,
    (error: { killed?: boolean; stdout?: string }) => (error.killed ? 'no answer' : (error.stdout ?? '')),
  );
}

const becomes = (holds: (why: string | undefined) => boolean) => until(unhealthy, holds, longestMs);
const isWell = (why: string | undefined) => why === undefined;

async function delivers(): Promise<void> {
  const id = await rig.submit();
  await until(
    () => rig.recipients(id),
    (rows) => rows.every(({ state }) => state === 'delivered'),
    longestMs,
  );
}

describe('a worker whose process lives', { timeout: 300_000 }, () => {
  it('is unhealthy while its loops hang, and well again when they go on', async () => {
    await becomes(isWell);
    await rig.db.transaction(async (locks) => {
      await locks.query('lock table messages, postal_webhooks in access exclusive mode');
      await becomes((why) => /loops: no progress: .*\bdeliver\b/.test(why ?? ''));
      expect(() => process.kill(worker.pid, 0)).not.toThrow();
    });
    await becomes(isWell);
    await delivers();
  });

  it('is unhealthy while something due is kept from it by a transaction that somebody left open', async () => {
    await becomes(isWell);
    const id = await rig.db.transaction(async (forgotten) => {
      await rig.db.change(`update sending set paused_at = now()`);
      const held = await rig.submit();
      await forgotten.query('select from messages where id = $1 for update', [held]);
      await rig.db.change(`update sending set paused_at = null`);
      expect(await becomes((why) => why?.includes('queue: ') === true)).toMatch(
        /^queue: a message has been due for \d+ s and none is taken/,
      );
      return held;
    });
    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
      longestMs,
    );
    await becomes(isWell);
  });

  it('is unhealthy while no lease can be renewed though its loops turn', async () => {
    await becomes(isWell);
    await rig.db.query(
      `create function never() returns trigger language plpgsql as 'begin raise exception ''no''; end'`,
    );
    await rig.db.query(
      `create trigger never before update on recipients for each row when (new.state = 'sending') execute function never()`,
    );
    const id = await rig.submit();
    const why = await becomes((one) => one?.includes('leases: ') === true);
    expect(why).toMatch(/leases: no lease could be renewed for \d+ s, none was; /);
    expect(why).not.toContain('no progress');

    await rig.db.query('drop trigger never on recipients');

    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
      longestMs,
    );
    await becomes(isWell);
    const figures = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(figures).toMatch(/^mailctl_leases_overdue\b.* 0$/m);
    expect(figures).toMatch(/^mailctl_lease_renewal_age_seconds\b.* [\d.e-]+$/m);
  });

  it('is unhealthy while it stands still as a whole', async () => {
    await becomes(isWell);
    worker.kill('SIGSTOP');
    expect(await becomes((why) => why !== undefined)).toBe('no answer');
    worker.kill('SIGCONT');
    await becomes(isWell);
    await delivers();
  });
});

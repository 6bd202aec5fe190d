import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { openRuntime } from '../../src/runtime.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';
import { createApiKey } from '../../src/upkeep/access.ts';
import { run } from '../../src/cli/run.ts';
import { fakeTerminal, runInProcess } from '../fakes/terminal.ts';

const world = { clock: systemClock, random: systemRandom, log: () => silentLog };
const hourMs = 3_600_000;
const patience = { timeout: 30_000, interval: 20 };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({}, world);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

async function mailctl(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return runInProcess(['-C', sandbox.dir, ...words], { environment });
}

async function status(environment: Readonly<Record<string, string>> = {}) {
  const { exit, out } = await mailctl(['status', '--json'], environment);
  return { exit, ...JSON.parse(out) };
}

describe('mailctl status', () => {
  it('shows services, hops and timetable of a sandbox, and ends with 0 where all is well', async () => {
    const { exit, data, warnings } = await status();
    expect({ exit, warnings, problems: data.problems }).toEqual({ exit: 0, warnings: [], problems: [] });
    expect(data).toMatchObject({ healthy: true, sending: { paused: false }, keys: { expiring: [] } });
    expect(data.services.map(({ name, health }: Record<string, string>) => [name, health])).toEqual([
      ['relay', 'healthy'],
      ['api', 'healthy'],
      ['worker', 'healthy'],
    ]);
    expect(data.hops.map(({ hop }: { hop: string }) => hop)).toEqual(['relay', 'queue', 'webhooks']);
    expect(data.schedule.map(({ name }: { name: string }) => name)).toContain('backup');
  });

  it('says first and loudest that sending is paused, why, and how it goes on: exit code 20', async () => {
    await mailctl(['queue', 'pause', '--reason', 'the list was bought', '--yes']);
    const { exit, out, err } = await mailctl(['status']);
    const { error, data } = await status();
    await mailctl(['queue', 'resume', '--yes']);
    expect(out.split('\n')[0]).toMatch(/SENDING IS PAUSED since \S+: the list was bought/);
    expect(err).toContain('mailctl queue resume');
    expect([exit, error.exit]).toEqual([20, 20]);
    expect(data).toMatchObject({ healthy: false, sending: { paused: true, reason: 'the list was bought' } });
    expect((await status()).exit).toBe(0);
  });

  it('names a service that does not answer, and shows the rest all the same: exit code 20', async () => {
    const { exit, data } = await status({ WORKER_HEALTH_LISTEN: '127.0.0.1:9' });
    expect(exit).toBe(20);
    expect(data.problems).toEqual([expect.stringMatching(/^worker is not well: /)]);
    expect(data.services).toHaveLength(3);
  });

  it('tells what could not be looked at instead of failing, and counts what waits', async () => {
    const { exit, data } = await status({ RELAY_HEALTH_LISTEN: '127.0.0.1:9' });
    expect(exit).toBe(20);
    expect(data.problems).toContainEqual(expect.stringContaining('what waits in its journal'));
    expect(data.hops.map(({ hop }: { hop: string }) => hop)).toEqual(['queue', 'webhooks']);
  });

  it('warns of what waits for a decision, each with its command: exit code 3', async () => {
    await using runtime = openRuntime({ dir: sandbox.dir, environment: {}, uid: process.getuid?.() });
    const db = await runtime.postgres();
    await db.query(
      `insert into webhook_endpoints (id, url, sealed_secret, disabled_at, disabled_reason)
       values ('whe_gone', 'https://shop.example.com/', '', now(), 'it answered 410 Gone')`,
    );
    await db.query(
      `insert into postal_webhooks (uuid, event, body, state) values (gen_random_uuid(), 'unknown', '', 'quarantined')`,
    );
    const { exit, warnings } = await status();
    await db.query('delete from webhook_endpoints');
    await db.query('delete from postal_webhooks');
    expect(exit).toBe(3);
    expect(warnings).toEqual([
      'endpoint whe_gone is disabled: it answered 410 Gone; mailctl webhooks resume whe_gone',
      'webhooks of Postal could not be worked out: 1; mailctl webhooks quarantine list',
    ]);
    expect((await status()).exit).toBe(0);
  });

  it('warns of a key that ends soon: exit code 3', async () => {
    await using runtime = openRuntime({ dir: sandbox.dir, environment: {}, uid: process.getuid?.() });
    const access = { db: await runtime.postgres(), clock: systemClock, random: systemRandom };
    const expiresAt = new Date(Date.now() + 12 * hourMs);
    await createApiKey(access, { name: 'night', scopes: ['send'], expiresAt });
    const { exit, ok, data, warnings } = await status();
    expect({ exit, ok }).toEqual({ exit: 3, ok: true });
    expect(data.keys.expiring).toMatchObject([{ name: 'night', notice: '1d' }]);
    expect(warnings).toEqual([expect.stringContaining('mailctl keys rotate night')]);
  });

  it('goes on with --watch until it is stopped, an object a line, whenever something changed', async () => {
    const stop = new AbortController();
    const terminal = fakeTerminal({ environment: { STATUS_INTERVAL: '20ms' } });
    const watching = run(['-C', sandbox.dir, 'status', '--watch', '--json'], terminal, stop.signal);
    const lines = () => terminal.out().split('\n').slice(0, -1);
    const seen = (paused: boolean) =>
      vi.waitFor(() => expect(lines().map(pausedIn)).toContain(paused), patience);
    await seen(false);
    await mailctl(['queue', 'pause', '--reason', 'seen by the watch', '--yes']);
    await seen(true);
    await mailctl(['queue', 'resume', '--yes']);
    stop.abort('SIGINT');
    await watching;
  });
});

function pausedIn(line: string): unknown {
  return (JSON.parse(line) as { sending: { paused: boolean } }).sending.paused;
}

describe('Postal as code in a sandbox', () => {
  it('is lacking before apply and as it should be after it, takes another domain, and mail flows on', async () => {
    const drift = async () => JSON.parse((await mailctl(['postal', 'drift', '--json'])).out).data.drift;
    expect(await drift()).toContainEqual(expect.objectContaining({ kind: 'missing' }));
    expect((await mailctl(['postal', 'apply', '--yes'])).exit).toBe(0);
    expect(await drift()).toEqual([]);
    const added = await mailctl(['domains', 'add', 'second.test', '--yes']);
    expect(added.exit).toBe(0);
    expect((await mailctl(['e2e', 'relay', 'postal-webhook'])).exit).toBe(0);
  });
});

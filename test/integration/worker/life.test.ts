import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Running } from '../../../src/services/running.ts';
import { until } from '../../store/until.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

async function ask(worker: Running, path: string) {
  const { host, port } = worker.addresses['health'] ?? { host: '', port: 0 };
  const response = await fetch(`http://${host}:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

const never = new Promise<never>(() => undefined);

describe('the health of a worker', () => {
  it('is good while its loops make progress and its database answers', async () => {
    const worker = await rig.work();
    expect(await ask(worker, '/health/live')).toMatchObject({ status: 200 });
    expect(await ask(worker, '/health/ready')).toMatchObject({ status: 200 });
  });

  it('turns bad when a loop hangs, though the process lives', async () => {
    const worker = await rig.work(
      { WORKER_STALL_AFTER: '1s', WORKER_SHUTDOWN_TIMEOUT: '10ms' },
      { db: { ...rig.db, transaction: () => never } },
    );

    const seen = await until(
      () => ask(worker, '/health/live'),
      ({ body }) => body.includes('no progress: digest'),
    );
    expect(seen.status).toBe(503);
  });

  it('turns bad when a hand-over hangs, though its loop goes on', async () => {
    const worker = await rig.work(
      { WORKER_STALL_AFTER: '1s', WORKER_SHUTDOWN_TIMEOUT: '10ms', POSTAL_UNCERTAIN_POLICY: 'hold' },
      { lookUp: () => never },
    );
    rig.postal.order({ kind: 'dropped-before', count: 1 });
    await rig.submit();

    const seen = await until(
      () => ask(worker, '/health/live'),
      ({ body }) => body.includes('no progress: deliver"'),
    );
    expect(seen.status).toBe(503);
  });

  it('stays alive but is not ready without its database', async () => {
    let isAway = false;
    let refused = 0;
    const away = () => {
      refused += 1;
      return Promise.reject(new Error('PostgreSQL cannot be reached'));
    };
    const worker = await rig.work(
      { WORKER_STALL_AFTER: '500ms' },
      {
        db: {
          query: (text, values) => (isAway ? away() : rig.db.query(text, values)),
          change: (text, values) => (isAway ? away() : rig.db.change(text, values)),
          transaction: (work) => (isAway ? away() : rig.db.transaction(work)),
        },
      },
    );
    isAway = true;
    const since = performance.now();
    await until(
      () => refused,
      () => performance.now() - since > 800,
    );
    expect(refused).toBeGreaterThan(5);
    expect(await ask(worker, '/health/ready')).toMatchObject({ status: 503 });
    expect(await ask(worker, '/health/live')).toMatchObject({ status: 200 });
    isAway = false;
    const id = await rig.submit();
    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
    );
  });

  it('shows how much is due and what became of it', async () => {
    const worker = await rig.work({ WORKER_UPKEEP_INTERVAL: '20ms' });
    await rig.submit({ to: ['ann@example.test', 'bob@example.test'] });
    await rig.submit({ from: 'news@elsewhere.test' });

    const seen = await until(
      () => ask(worker, '/metrics'),
      ({ body }) =>
        /mailctl_postal_events_total\{event="MessageSent",result="recorded",service="worker"\} 2/.test(
          body,
        ) && body.includes('outcome="refused"'),
    );
    expect(seen.body).toContain('mailctl_deliveries_total{outcome="accepted",service="worker"} 2');
    expect(seen.body).toContain('mailctl_deliveries_total{outcome="refused",service="worker"} 1');
    expect(seen.body).toMatch(/mailctl_queue_due\{service="worker"\} \d/);
    expect(seen.body).toMatch(/mailctl_loop_progress_age_seconds\{loop="deliver",service="worker"\} /);
    expect(seen.body).not.toContain('@');
  });
});

describe('stopping a worker', () => {
  it('finishes what is at Postal and gives back what is not', async () => {
    rig.postal.order({ kind: 'slow-answer', ms: 500 });
    const worker = await rig.work({ POSTAL_CONCURRENCY: '1' });
    const ids = [await rig.submit(), await rig.submit(), await rig.submit()];
    await until(
      () => rig.postal.mailbox(),
      (mails) => mails.length >= 1,
    );

    await worker.stop();

    const rows = await rig.db.query<{ state: string; leased: boolean }>(
      `select state, lease_until is not null as leased from messages join recipients on id = message_id`,
    );
    expect(rows.filter(({ leased }) => leased)).toEqual([]);
    expect(rows.filter(({ state }) => state === 'sending')).toEqual([]);
    expect(rows.filter(({ state }) => state === 'queued').length).toBeGreaterThanOrEqual(1);

    rig.postal.reset();
    await rig.work();
    for (const id of ids)
      await until(
        () => rig.recipients(id),
        ([row]) => row?.state === 'delivered' || row?.state === 'accepted',
      );
  });

  it('ends within its time even when a hand-over hangs', async () => {
    rig.postal.order({ kind: 'slow-answer', ms: 60_000 });
    const worker = await rig.work({ WORKER_SHUTDOWN_TIMEOUT: '200ms' });
    await rig.submit();
    await until(
      () => rig.db.query(`select 1 from recipients where state = 'sending'`),
      (rows) => rows.length === 1,
    );

    const started = performance.now();
    await worker.stop();
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('is safe to ask for twice', async () => {
    const worker = await rig.work();
    await Promise.all([worker.stop(), worker.stop()]);
    await worker.stop();
  });

  it('loses and doubles nothing when two workers take turns under load', async () => {
    let worker = await rig.work();
    const ids: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      for (let number = 0; number < 20; number += 1) ids.push(await rig.submit());
      const next = await rig.work();
      await worker.stop();
      worker = next;
    }

    const rows = await until(
      () => rig.db.query<{ state: string }>('select state from recipients'),
      (seen) => seen.every(({ state }) => state === 'delivered'),
    );
    expect(rows).toHaveLength(ids.length);
    expect(rig.postal.mailbox()).toHaveLength(ids.length);
  });
});

import { expect, it } from 'vitest';

import type { Database } from '../../src/adapters/postgres.ts';
import { claimDue, queuedShares } from '../../src/store/claim.ts';
import { giveBack } from '../../src/store/queue.ts';
import { testDatabase } from '../engines/postgres.ts';
import { median, report, toy } from './report.ts';

const few = 10_000;
const many = Number(process.env.BENCH_ROWS ?? (toy ? 20_000 : 10_000_000));
const rounds = toy ? 20 : 400;
const queued = 5000;
const most = 1.2;

/** Stores `count` messages that are done, and the same queue on top of them. */
async function fill(db: Database, count: number): Promise<void> {
  await withoutIndexes(db, async () => {
    for (let from = 0; from < count; from += 250_000) await store(db, from, Math.min(count, from + 250_000));
  });
  await db.change(
    `update messages set next_attempt_at = received_at, tag = 'campaign ' || (hashtext(id) % 40),
       priority = (array['high', 'low', 'low', 'normal'])[1 + least(3, abs(hashtext(id)) % 10)]
     where id >= $1`,
    [idOf(count - queued)],
  );
  await db.change(`update recipients set state = 'queued' where message_id >= $1`, [idOf(count - queued)]);
  await db.query('vacuum analyze messages');
  await db.query('vacuum analyze recipients');
}

/** Takes the indexes of the two tables away while they are filled, and makes them again as they were: minutes instead of an hour. */
async function withoutIndexes(db: Database, work: () => Promise<void>): Promise<void> {
  const constraints = await db.query<{ name: string; on: string; definition: string }>(
    `select conname as name, conrelid::regclass::text as on, pg_get_constraintdef(oid) as definition from pg_constraint
     where conrelid in ('messages'::regclass, 'recipients'::regclass) and contype in ('p', 'u')`,
  );
  const indexes = await db.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename in ('messages', 'recipients') and indexname <> all($1::text[])`,
    [constraints.map(({ name }) => name)],
  );
  const patient = (statement: string) =>
    db.transaction(async (within) => {
      await within.query('set local statement_timeout = 0');
      await within.query(`set local maintenance_work_mem = '512MB'`);
      await within.query(statement);
    });
  for (const { name, on } of constraints) await patient(`alter table ${on} drop constraint ${name} cascade`);
  for (const { name } of indexes) await patient(`drop index ${name}`);
  await work();
  for (const { name, on, definition } of constraints)
    await patient(`alter table ${on} add constraint ${name} ${definition}`);
  for (const { definition } of indexes) await patient(definition);
}

function idOf(number: number): string {
  return `msg_${String(number).padStart(26, '0')}`;
}

async function store(db: Database, from: number, to: number): Promise<void> {
  await db.transaction(async (within) => {
    await within.query(`set local statement_timeout = 0`);
    await within.change(
      `insert into messages (id, received_at, source, credential_id, mail_from, header_message_id, size_bytes, body_day, postal_key)
       select 'msg_' || lpad(i::text, 26, '0'), now() - ($2 - i) * interval '1 ms', 'http', 'mk_' || i % 3, 'news@acme.test',
         i || '@acme.test', 5000, now()::date, left(md5(i::text), 20)
       from generate_series($1::integer, $2::integer - 1) i`,
      [from, to],
    );
    await within.change(
      `insert into recipients (message_id, position, address, state)
       select 'msg_' || lpad(i::text, 26, '0'), 0, 'user' || i || '@example.test', 'delivered'
       from generate_series($1::integer, $2::integer - 1) i`,
      [from, to],
    );
  });
}

/** One claim as the worker makes it, in milliseconds; what was taken is given back. */
async function claimMs(db: Database, round: number): Promise<number> {
  const attemptId = `att_${round}`;
  const start = performance.now();
  const shares = await queuedShares(db, { after: { high: '', normal: '', low: '' }, limit: 10 });
  const claimed = await claimDue(db, {
    attemptId,
    limit: 20,
    leaseMs: 60_000,
    shares,
    others: 5,
    aged: 1,
    lowDelayMs: 3_600_000,
  });
  const ms = performance.now() - start;
  expect(claimed).toHaveLength(20);
  await giveBack(db, claimed);
  return ms;
}

it(`claims from ${many} stored messages in at most ${most} times the time it takes with ${few}`, async () => {
  await using small = await testDatabase();
  await using large = await testDatabase();
  await fill(small.db, few);
  await fill(large.db, many);
  const times: Record<'small' | 'large', number[]> = { small: [], large: [] };
  for (let round = 0; round < rounds; round += 1) {
    times.small.push(await claimMs(small.db, round));
    times.large.push(await claimMs(large.db, round));
  }
  const [base, grown] = [median(times.small), median(times.large)];
  report('claim', [
    { stored: few, median_ms: Number(base.toFixed(2)), ratio: 1 },
    { stored: many, median_ms: Number(grown.toFixed(2)), ratio: Number((grown / base).toFixed(2)) },
  ]);
  expect(grown / base).toBeLessThanOrEqual(toy ? Number.POSITIVE_INFINITY : most);
});

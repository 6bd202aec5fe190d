import { expect, it } from 'vitest';

import type { Database } from '../../src/adapters/postgres.ts';
import { listMessages } from '../../src/store/message-views.ts';
import { countAffected } from '../../src/store/queue-changes.ts';
import { listQueue } from '../../src/store/queue-list.ts';
import { countMessages } from '../../src/store/statistics.ts';
import { listDeliveries } from '../../src/store/webhook-list.ts';
import { testDatabase } from '../engines/postgres.ts';
import { anything } from './any-message.ts';
import { submit } from './submit.ts';

const stored = 30_000;
const few = 500;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows of tables that a plan looked at, wanted or not. */
function rowsRead(node: PlanNode): number {
  const below = (node.Plans ?? []).reduce((sum, plan) => sum + rowsRead(plan), 0);
  if (node['Relation Name'] === undefined) return below;
  const each =
    node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  return below + each * node['Actual Loops'];
}

/** The database, and how many rows the statements that it was given looked at. */
function counting(db: Database): { readonly db: Database; read(): number } {
  let read = 0;
  const query: Database['query'] = async (text, values) => {
    const [row] = await db.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
      `explain (analyze, format json) ${text}`,
      values,
    );
    for (const { Plan } of row?.['QUERY PLAN'] ?? []) read += rowsRead(Plan);
    return db.query(text, values);
  };
  return { db: { ...db, query }, read: () => read };
}

/** Many messages that Postal delivered long ago, and a few that somebody looks for. */
async function crowded(db: Database): Promise<void> {
  await db.change(
    `with old as (
       insert into messages (id, received_at, source, credential_id, mail_from, size_bytes, body_day, postal_key, tag)
       select 'msg_0' || lpad(n::text, 25, '0'), now() - interval '9 days', 'http', 'mk_1', 'a@b.test', 1, now(), 'k' || n, 'old'
       from generate_series(1, $1::integer) n returning id
     )
     insert into recipients (message_id, position, address, state, postal_id)
     select id, 0, 'u' || right(id, 9) || '@crowd.test', case when right(id, 3) = '007' then 'failed' else 'delivered' end, 7 from old`,
    [stored],
  );
  await db.change(
    `insert into webhook_endpoints (id, url, sealed_secret, events) values ('whe_1', 'https://ams.test/', '\\x00', '{}')`,
  );
  await db.change(
    `with told as (
       insert into events (id, message_id, recipient, kind, at, detail)
       select 'evt_' || id, id, 'x', 'delivered', now(), '{}' from messages returning id
     )
     insert into webhook_deliveries (id, endpoint_id, event_id, body, state)
     select 'whd_' || id, 'whe_1', id, '{}', case right(id, 4) when '0007' then 'dead' when '0011' then 'waiting' else 'delivered' end from told`,
  );
  await submit(db, { to: ['ann@example.test'], tag: 'reset' });
  const failed = await submit(db, { to: ['bob@example.test'] });
  await db.change(`update recipients set state = 'failed' where message_id = $1`, [failed]);
  await db.query('analyze');
}

it('lists of what an operator or a client looks for read few of the many rows that are stored', async () => {
  await using database = await testDatabase();
  await crowded(database.db);
  const page = { before: undefined, limit: 20 };
  const looks: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
    'messages to an address': (db) =>
      listMessages(db, { ...anything, recipient: 'u000000042@crowd.test' }, page),
    'messages with a Message-ID': (db) =>
      listMessages(db, { ...anything, headerMessageId: 'm@acme.test' }, page),
    'messages with a tag': (db) => listMessages(db, { ...anything, tag: 'reset' }, page),
    'figures of a tag': (db) =>
      countMessages(db, { since: new Date(0), until: new Date('2100-01-01'), tag: 'reset' }),
    'messages that are queued': (db) => listMessages(db, { ...anything, state: 'queued' }, page),
    'the newest messages': (db) => listMessages(db, anything, page),
    'the queue': (db) => listQueue(db, {}, { limit: 50 }),
    'the queue of a state': (db) => listQueue(db, { state: 'queued' }, { limit: 50 }),
    'what can be tried again': (db) => countAffected(db, 'retry', {}),
    'webhooks that were given up': (db) => listDeliveries(db, { state: 'dead', endpointId: undefined }, page),
    'webhooks that wait': (db) => listDeliveries(db, { state: 'waiting', endpointId: undefined }, page),
    'the newest webhooks': (db) => listDeliveries(db, { state: undefined, endpointId: undefined }, page),
    'what can be held': (db) => countAffected(db, 'hold', {}),
  };
  const tooMuch: Record<string, number> = {};
  for (const [name, look] of Object.entries(looks)) {
    const counted = counting(database.db);
    await look(counted.db);
    expect(counted.read(), name).toBeGreaterThan(0);
    if (counted.read() > few) tooMuch[name] = counted.read();
  }

  expect(tooMuch).toEqual({});
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { claimWebhooks, type EndpointStanding, unclaimWebhooks } from '../../src/store/webhook-deliveries.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { submit } from './submit.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
});

/** Queues webhooks `1`, `2`, … for an endpoint, the first due longest. */
async function backlog(endpoint: string, count: number): Promise<void> {
  const { db } = database;
  const message = await submit(db);
  await db.change('insert into webhook_endpoints (id, url, sealed_secret) values ($1, $2, $3)', [
    endpoint,
    'https://ams.test',
    Buffer.from(''),
  ]);
  await db.change(
    `with told as (
       insert into events (id, message_id, kind, at)
       select $1 || ' ' || n, $2, 'delivered', now() from generate_series(1, $3::integer) n returning id
     )
     insert into webhook_deliveries (id, endpoint_id, event_id, body, next_attempt_at)
     select id, $1, id, '{}', now() - interval '1 h' + split_part(id, ' ', 2)::integer * interval '1 s'
     from told order by id desc`,
    [endpoint, message, count],
  );
}

interface Chosen {
  readonly limit: number;
  readonly standings?: Readonly<Record<string, EndpointStanding>>;
}

async function claim({ limit, standings = {} }: Chosen): Promise<readonly string[]> {
  const claimed = await claimWebhooks(database.db, {
    limit,
    places: 20,
    perEndpoint: 5,
    leaseMs: 60_000,
    standings: new Map(Object.entries(standings)),
  });
  return claimed.map(({ id }) => id);
}

const well = (under: number): EndpointStanding => ({ room: 5 - under, under, isFailing: false });
const failing = (under: number): EndpointStanding => ({ room: 1 - under, under, isFailing: true });

describe('a claim of webhooks', () => {
  it('takes what an endpoint has waited for longest, in that order', async () => {
    await backlog('whe_1', 12);
    expect((await claim({ limit: 20 })).toSorted()).toEqual([1, 2, 3, 4, 5].map((n) => `whe_1 ${n}`));
    expect((await claim({ limit: 20 })).toSorted()).toEqual([10, 6, 7, 8, 9].map((n) => `whe_1 ${n}`));
  });

  it('is divided evenly where not everything fits', async () => {
    for (const endpoint of ['whe_1', 'whe_2', 'whe_3', 'whe_4']) await backlog(endpoint, 5);
    expect((await claim({ limit: 8 })).toSorted()).toEqual(
      ['whe_1', 'whe_2', 'whe_3', 'whe_4'].flatMap((endpoint) => [`${endpoint} 1`, `${endpoint} 2`]),
    );
  });

  it('gives a free place to an endpoint that waits, not to those whose backlog fills the others', async () => {
    const busy = ['whe_1', 'whe_2', 'whe_3', 'whe_4'];
    for (const endpoint of busy) await backlog(endpoint, 5);
    await backlog('whe_5', 1);
    const standings = Object.fromEntries(busy.map((endpoint) => [endpoint, well(2)]));

    expect(await claim({ limit: 1, standings })).toEqual(['whe_5 1']);
  });

  it('lets an endpoint that is tried out have its turn while others are busy', async () => {
    await backlog('whe_1', 5);
    await backlog('whe_2', 5);
    const [first] = await claim({ limit: 1, standings: { whe_1: well(3), whe_2: failing(0) } });
    expect(first).toBe('whe_2 1');
  });

  it('keeps places free for an endpoint that comes next, whatever those before it have waiting', async () => {
    const busy = ['whe_1', 'whe_2', 'whe_3', 'whe_4'];
    for (const endpoint of busy) await backlog(endpoint, 9);
    expect(await claim({ limit: 20 })).toHaveLength(16);
    await backlog('whe_5', 9);
    const standings = Object.fromEntries(busy.map((endpoint) => [endpoint, well(4)]));
    expect((await claim({ limit: 4, standings })).toSorted()).toEqual(['whe_5 1', 'whe_5 2', 'whe_5 3']);
  });

  it('gives those that failed last a quarter of the places together, and one each', async () => {
    const dead = ['whe_1', 'whe_2', 'whe_3', 'whe_4', 'whe_5', 'whe_6', 'whe_7'];
    for (const endpoint of dead) await backlog(endpoint, 9);
    const standings = (under: number) =>
      Object.fromEntries(dead.map((endpoint, place) => [endpoint, failing(place < 2 ? under : 0)]));
    expect(await claim({ limit: 20, standings: standings(1) })).toHaveLength(3);
    expect(await claim({ limit: 20, standings: standings(0) })).toHaveLength(5);
  });
});

it('a claim that is given back leaves what was claimed anew meanwhile to its holder', async () => {
  const { db } = database;
  await backlog('whe_1', 1);
  const limits = { limit: 1, places: 20, perEndpoint: 5, standings: new Map() };
  const first = await claimWebhooks(db, { ...limits, leaseMs: -1 });
  const second = await claimWebhooks(db, { ...limits, leaseMs: 60_000 });

  expect(await unclaimWebhooks(db, first)).toBe(0);
  expect(await claimWebhooks(db, { ...limits, leaseMs: 60_000 })).toEqual([]);
  expect(await unclaimWebhooks(db, second)).toBe(1);
  expect(await claimWebhooks(db, { ...limits, leaseMs: 60_000 })).toMatchObject([{ attempts: 2 }]);
});

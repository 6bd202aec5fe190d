import { expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import type { Postgres } from '../../src/adapters/postgres.ts';
import { postalDatabases } from '../engines/postal-databases.ts';
import { addKey } from '../integration/api/running-api.ts';
import { until } from '../store/until.ts';
import { type Platform, startPlatform } from './delivery/platform.ts';
import { misbehave, strikes } from './delivery/strikes.ts';
import {
  askAtLast,
  census,
  histories,
  open,
  recipientsOf,
  sendInLane,
  type Traffic,
} from './delivery/traffic.ts';

/** `MAILCTL_CHAOS_MESSAGES=5000` makes it long. */
const wanted = Number(process.env['MAILCTL_CHAOS_MESSAGES'] ?? 300);
const lanes = 8;
const faultsAtOnce = 4;
/** Recipients that may wait: while something is struck there is always work under way. */
const backlog = 400;
const longestMs = 240_000 + wanted * 400;

type Counts = Record<string, number>;

/** Strikes in an order by chance, everything once a round, until a round is over and all is sent and handed over. */
async function harass(platform: Platform, traffic: Traffic, isSent: () => boolean): Promise<Counts> {
  const counts: Counts = {};
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const end = performance.now() + longestMs;
  do {
    for (const name of shuffled(Object.keys(strikes))) {
      for (let fault = 0; fault < faultsAtOnce; fault += 1) count(`fault ${await misbehave(platform)}`);
      await someProgress(platform.db, traffic);
      await strikes[name]?.(platform);
      count(name);
    }
  } while ((!isSent() || (await open(platform.db)) !== 0) && performance.now() < end);
  return counts;
}

function shuffled<T>(things: readonly T[]): readonly T[] {
  return things
    .map((thing) => ({ thing, place: Math.random() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ thing }) => thing);
}

/** Waits until more has been handed over, so that however slow the machine is, striking comes to an end. */
async function someProgress(db: Postgres, traffic: Traffic): Promise<void> {
  const handed = async () => recipientsOf(traffic.next) - ((await open(db)) ?? Number.POSITIVE_INFINITY);
  const enough = Math.max(0, await handed()) + Math.random() * Math.max(60, wanted / 12);
  const all = recipientsOf(wanted);
  await until(handed, (now) => now >= Math.min(enough, all), longestMs);
}

async function figure(db: Postgres, condition: string): Promise<number> {
  const [row] = await askAtLast<{ count: number }>(
    db,
    `select count(*)::integer as count from events where ${condition}`,
  );
  return row?.count ?? 0;
}

it(
  `${wanted} messages go through api, worker and Postal exactly once while each is killed, frozen and put to a wrong time, and PostgreSQL too`,
  async () => {
    await using databases = await postalDatabases();
    await using platform = await startPlatform(databases);
    const { key } = await addKey(platform.db, ['send']);
    const place = async (number: number): Promise<void> => {
      if (recipientsOf(number) < backlog) return;
      while (((await open(platform.db)) ?? backlog) >= backlog) await systemClock.sleep(200);
    };
    const traffic: Traffic = { wanted, next: 0, again: 0, place };
    const door = { url: platform.apiUrl, key };
    let isSent = false;
    const sendAll = async (): Promise<void> => {
      await Promise.all(Array.from({ length: lanes }, () => sendInLane(traffic, door)));
      isSent = true;
    };
    const [counts] = await Promise.all([harass(platform, traffic, () => isSent), sendAll()]);
    await until(
      () => open(platform.db),
      (left) => left === 0,
      longestMs,
    );

    const { lost, doubled, unknown } = await census(databases, wanted);
    console.table({
      messages: wanted,
      recipients: recipientsOf(wanted),
      ...counts,
      'sent to the api again': traffic.again,
      uncertain: await figure(platform.db, `kind = 'uncertain'`),
      orphans: await figure(platform.db, `detail ? 'abandoned_postal_id'`),
      lost: lost.length,
      doubled: doubled.length,
    });
    const wrong = await histories(platform.db, [...lost, ...doubled].slice(0, 5));
    if (wrong.length > 0) console.table(wrong);
    expect({ lost, doubled, unknown }).toEqual({ lost: [], doubled: [], unknown: [] });
    expect(Object.keys(counts)).toEqual(expect.arrayContaining(Object.keys(strikes)));
  },
  2 * longestMs,
);

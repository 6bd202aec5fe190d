import { expect, it } from 'vitest';

import { postalDatabases } from '../engines/postal-databases.ts';
import { addKey } from '../integration/api/running-api.ts';
import { until } from '../store/until.ts';
import { type Room, startPlatform } from './delivery/platform.ts';
import { census, histories, open, sendInLane, type Traffic } from './delivery/traffic.ts';

const wanted = 150;
const longestMs = 180_000;
/** However slow the machine is, Postal's answer comes in time. */
const patient = { POSTAL_TIMEOUT: '60s', WORKER_LEASE: '3m' };
const turns: readonly Room[] = ['worker one', 'worker two', 'api', 'worker one', 'worker two'];
/** Messages that come in while one is restarted. */
const share = wanted / turns.length;

it('a rolling restart of two workers and the api under load loses and doubles nothing, and leaves nothing in doubt', async () => {
  await using databases = await postalDatabases();
  await using platform = await startPlatform(databases, patient);
  const { key } = await addKey(platform.db, ['send']);
  const ends: (number | string)[] = [];
  const place = async (number: number): Promise<void> => {
    await until(
      () => ends.length,
      (turn) => number < (turn + 1) * share,
      longestMs,
    );
  };
  const traffic: Traffic = { wanted, next: 0, again: 0, place };
  const lanes = Promise.all(
    Array.from({ length: 4 }, () => sendInLane(traffic, { url: platform.apiUrl, key })),
  );
  for (const [turn, room] of turns.entries()) {
    await until(
      () => traffic.next,
      (next) => next > (turn + 0.5) * share,
      longestMs,
    );
    ends.push(await platform.restart(room));
  }
  await lanes;
  await until(
    () => open(platform.db),
    (now) => now === 0,
    longestMs,
  );

  const { lost, doubled } = await census(databases, wanted);
  const wrong = await histories(platform.db, [...lost, ...doubled].slice(0, 5));
  if (wrong.length > 0) console.table(wrong);
  expect({ lost, doubled }).toEqual({ lost: [], doubled: [] });
  expect(ends).toEqual(turns.map(() => 0));
  expect(await platform.db.query(`select recipient from events where kind = 'uncertain'`)).toEqual([]);
}, 600_000);

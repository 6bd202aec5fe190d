import { randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { silentLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { digestion } from '../../../src/services/worker/digest.ts';
import { insertPostalWebhooks } from '../../../src/store/postal-webhooks.ts';
import { type TestDatabase, testDatabase } from '../../engines/postgres.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

const batch = 4;
const minuteMs = 60_000;

/** Stores webhooks that came in so long ago. */
async function comeIn(count: number, ageMs: number): Promise<void> {
  const uuids = Array.from({ length: count }, () => randomUUID());
  const body = Buffer.from('{}');
  await insertPostalWebhooks(
    database.db,
    uuids.map((uuid) => ({ uuid, event: 'MessageSent', body, quarantined: undefined })),
  );
  await database.db.query(
    `update postal_webhooks set received_at = now() - $2 * interval '1 ms' where uuid = any($1::uuid[])`,
    [uuids, ageMs],
  );
}

/** One turn that works for a minute by its clock; tells whether it wants another at once, and how long it rested. */
async function turn(pollMs = 60 * minuteMs) {
  const rests: number[] = [];
  let nowMs = 0;
  const clock = {
    now: () => new Date(),
    monotonicMs: () => (nowMs += minuteMs),
    sleep: async (ms: number) => void rests.push(ms),
  };
  const work = digestion({
    db: database.db,
    clock,
    random: systemRandom,
    log: silentLog,
    config: {
      WORKER_DIGEST_BATCH: batch,
      WORKER_DIGEST_REST: 3,
      WORKER_POLL_INTERVAL: pollMs,
      POSTAL_EVENT_FUTURE_MAX: minuteMs,
      SUPPRESSION_BOUNCE_EXPIRY: undefined,
      BOUNCE_REPORT_HOLD: minuteMs,
    },
    figures: { digested: () => undefined },
  });
  const goesOn = await work.turn(new AbortController().signal, () => undefined);
  return { goesOn, rests };
}

describe("working out Postal's webhooks", () => {
  it('rests after a full batch while as many come in as it had', async () => {
    await comeIn(batch, 60 * minuteMs);
    await comeIn(2 * batch, 0);

    expect(await turn()).toEqual({ goesOn: true, rests: [3 * minuteMs] });
  });

  it('rests less while fewer come in', async () => {
    await comeIn(2 * batch, 60 * minuteMs);
    await comeIn(1, 0);

    expect(await turn()).toEqual({ goesOn: true, rests: [(3 * minuteMs) / batch] });
  });

  it('rests no longer than a loop that found nothing, however long the batch took', async () => {
    await comeIn(batch, 60 * minuteMs);
    await comeIn(2 * batch, 0);

    expect(await turn(1000)).toEqual({ goesOn: true, rests: [1000] });
  });

  it('goes on at once with what lies there while none comes in', async () => {
    await comeIn(2 * batch, 60 * minuteMs);

    expect(await turn()).toEqual({ goesOn: true, rests: [0] });
  });

  it('waits for more after a batch that was not full', async () => {
    await comeIn(batch - 1, 0);

    expect(await turn()).toEqual({ goesOn: false, rests: [] });
  });
});

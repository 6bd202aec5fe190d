import { expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { openRecords, recordSettlements } from '../../../src/services/worker/record.ts';
import { claimDue } from '../../../src/store/claim.ts';
import { beginHandover } from '../../../src/store/queue.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { submit } from '../../store/submit.ts';

it('writes down what others found out at the same moment, although PostgreSQL refuses one of them', async () => {
  await using database = await testDatabase();
  const { db } = database;
  const ids = await Promise.all(Array.from({ length: 6 }, () => submit(db)));
  const attemptId = 'att_1';
  await claimDue(db, { attemptId, limit: 6, leaseMs: 60_000, shares: [], others: 0, aged: 0, lowDelayMs: 0 });
  for (const id of ids)
    await beginHandover(db, { id, attemptId, positions: [0], leaseMs: 60_000, settleMs: 0 });
  const world = { db, clock: systemClock, random: systemRandom, log: silentLog };
  const config = { WORKER_LEASE: 50, WORKER_POLL_INTERVAL: 10, WORKER_ERROR_WAIT_MAX: 10 };
  const room = { ...world, config, records: openRecords(world, 5) };
  const told = (messageId: string, place: number) =>
    recordSettlements(room, {
      messageId,
      attemptId,
      settlements: [
        // PostgreSQL takes no NUL in a text.
        { position: 0, address: 'ann@example.test', state: 'failed', detail: place === 4 ? '\0' : 'no' },
      ],
      again: { inMs: 0, counts: true },
    });

  const ends = await Promise.allSettled(ids.map(told));

  expect(ends.map(({ status }) => status)).toEqual(
    ids.map((_, place) => (place === 4 ? 'rejected' : 'fulfilled')),
  );
  const rows = await db.query<{ id: string; state: string; attempts: number }>(
    'select m.id, r.state, m.attempts from messages m join recipients r on r.message_id = m.id',
  );
  const expected = ids.map((id, place) => [
    id,
    place === 4 ? { state: 'sending', attempts: 0 } : { state: 'failed', attempts: 1 },
  ]);
  expect(new Map(rows.map(({ id, state, attempts }) => [id, { state, attempts }]))).toEqual(
    new Map(expected as [string, object][]),
  );
});

import { expect, it } from 'vitest';

import { silentLog } from '../../../src/adapters/log.ts';
import type { Database } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { type DeliverRoom, deliveries } from '../../../src/services/worker/deliver.ts';
import { openLeaseWatch } from '../../../src/services/worker/lease-watch.ts';
import { type StandingClock, standingClock } from '../../fakes/standing-clock.ts';

const claimed = {
  id: 'msg_1',
  attemptId: 'att_1',
  claimedAt: new Date(),
  dueAt: new Date(),
  postalKey: 'k'.repeat(20),
  mailFrom: 'news@acme.test',
  attempts: 0,
  firstAttemptAt: null,
  epochAgeMs: null,
  tag: null,
  unsubscribe: null,
  recipients: [{ position: 0, address: 'ann@example.test', state: 'queued', suppressed: null }],
};

type Message = Omit<typeof claimed, 'recipients'> & { readonly recipients: readonly object[] };

interface Kept {
  readonly message?: Message;
  readonly raw?: Buffer;
  renews(): boolean;
}

/** Gives the same message at each claim; renews no lease until told. */
function database({ message = claimed, raw, renews }: Kept): Database {
  const db: Database = {
    query: async (text, values) => {
      if (text.includes('visited')) return [];
      if (!text.includes('with held')) return [message] as never;
      if (!renews()) throw new Error('the row cannot be written');
      return [{ raw: raw ?? null, positions: values?.at(-1) }] as never;
    },
    change: async () => 0,
    transaction: (work) => work(db),
  };
  return db;
}

/** What a worker delivers with; Postal takes nothing. */
function roomOf(clock: StandingClock, db: Database) {
  return {
    db,
    clock,
    random: systemRandom,
    log: silentLog,
    leases: openLeaseWatch({ leaseMs: 180_000, stallMs: 120_000 }, clock),
    lane: {
      enter: () => ({ turn: 0, isProbe: false }),
      isOpen: () => true,
      room: (wanted: number) => wanted,
      report: () => undefined,
      forgo: () => undefined,
    },
    pulse: { restMs: () => 0 },
    databaseClock: { saw: () => undefined, restMs: () => 0 },
    records: { add: async () => ({ ok: true }) },
    figures: { delivered: () => undefined },
    due: { handedOver: () => undefined },
    lookUp: undefined,
    postal: { send: () => Promise.reject(new Error('nothing may be sent')) },
    config: {
      POSTAL_CONCURRENCY: 1,
      WORKER_BATCH: 1,
      WORKER_LEASE: 180_000,
      WORKER_POLL_INTERVAL: 1000,
      POSTAL_TIMEOUT: 30_000,
      POSTAL_SETTLE_TIME: 120_000,
      POSTAL_RECIPIENTS_PER_CALL: 50,
      WORKER_ERROR_WAIT_MAX: 1000,
      DELIVERY_RETRY_BASE: 1000,
      DELIVERY_RETRY_MAX: 1000,
      MAIL_DOMAIN: 'mail.acme.test',
    },
  };
}

it('a worker that can renew no lease is found unhealthy though its turns end, and well once it can', async () => {
  const clock = standingClock();
  let renews = false;
  const room = roomOf(clock, database({ renews: () => renews }));
  const { leases } = room;
  const work = deliveries(room as unknown as DeliverRoom);
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) {
      expect(await work.turn(new AbortController().signal, () => undefined)).toBe(true);
      clock.advance(30_000);
    }
  };

  await turns(4);
  expect((await leases.probe()).ok).toBe(true);
  await turns(3);
  expect(await leases.probe()).toMatchObject({
    ok: false,
    why: expect.stringMatching(/^no lease could be renewed for \d+ s, none was/),
  });

  renews = true;
  await turns(1);

  expect(await leases.probe()).toEqual({ ok: true });
  expect(leases.figures()).toMatchObject({ overdue: 0, sinceRenewalMs: 30_000 });
});

it('a hand-over of many requests shows progress before each, however long they take together', async () => {
  const clock = standingClock();
  const recipients = [0, 1, 2, 3].map((position) => ({
    ...claimed.recipients[0],
    position,
    address: `u${position}@example.test`,
  }));
  const db = database({ message: { ...claimed, recipients }, raw: Buffer.from('x'), renews: () => true });
  const room = roomOf(clock, db);
  const sinceProgress: number[] = [];
  const send = async ({ rcptTo }: { readonly rcptTo: readonly string[] }) => {
    clock.advance(20_000);
    sinceProgress.push(clock.monotonicMs() - (work.oldestMs?.() ?? Number.NaN));
    return { outcome: 'accepted', recipients: new Map(rcptTo.map((to) => [to, { id: 1, token: 't' }])) };
  };
  const config = { ...room.config, POSTAL_RECIPIENTS_PER_CALL: 1 };
  const work = deliveries({ ...room, config, postal: { send } } as unknown as DeliverRoom);

  await work.turn(new AbortController().signal, () => undefined);
  await expect.poll(() => sinceProgress).toEqual([20_000, 20_000, 20_000, 20_000]);
});

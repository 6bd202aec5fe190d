import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type EventKind, standing } from '../../src/domain/event.ts';
import {
  compare,
  derivedUuid,
  givingWay,
  type Happening,
  type KnownEvent,
} from '../../src/domain/reconciliation.ts';

/** One true event: the row that shows it, and the webhook that tells of it. */
interface Truth {
  readonly row: Happening;
  readonly webhook: KnownEvent;
}

const kinds = ['delayed', 'held', 'failed', 'delivered', 'bounced', 'opened', 'clicked'] as const;
const isVisit = (kind: EventKind) => kind === 'opened' || kind === 'clicked';

/** Visits of two agents, closer together than they are told late; what Postal tells of deliveries has the row's time but for the rounding. */
const anyTruths = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom(...kinds),
      slot: fc.integer({ min: 0, max: 30 }),
      agent: fc.constantFrom('one', 'two'),
      late: fc.integer({ min: 0, max: 40 }),
      uuid: fc.uuid(),
    }),
    { maxLength: 12, selector: ({ kind, slot, uuid }) => (isVisit(kind) ? uuid : `${slot}`) },
  )
  .map((drawn) =>
    drawn.map(({ kind, slot, agent, late, uuid }, place): Truth => {
      const at = new Date(1_000_000 + slot * (isVisit(kind) ? 10 : 100));
      const detail = {
        postal_id: 7,
        postal_token: 'token',
        ...(isVisit(kind) && { ip_address: '192.0.2.1', user_agent: agent }),
        ...(kind === 'bounced' && { bounce_postal_id: place }),
      };
      const told = new Date(at.getTime() + (isVisit(kind) || kind === 'bounced' ? late : (late % 3) - 1));
      return {
        row: { name: `rows:${place}`, kind, at, detail, hasWebhook: true },
        webhook: { kind, at: told, detail, uuid, derivedFrom: null },
      };
    }),
  );

/** The database: what the digestion of a webhook and a comparison do to it. */
function openStore() {
  let events: KnownEvent[] = [];
  return {
    events: () => events,
    arrive: (webhook: KnownEvent) => {
      if (events.some(({ uuid }) => uuid === webhook.uuid)) return;
      const [replaced] = givingWay(
        events.filter(({ derivedFrom }) => derivedFrom !== null),
        [webhook],
      ).values();
      events = [...events.filter((event) => event !== replaced), webhook];
    },
    reconcile: (truths: readonly Truth[], kept: readonly Truth[]) => {
      const { missing } = compare({
        happenings: truths.map(({ row }) => row),
        known: events,
        kept: kept.map(({ webhook }) => webhook),
        queued: new Set(),
        silentBefore: new Date(9_000_000),
      });
      events = [
        ...events,
        ...missing.map(({ happening, uuid }) => ({
          ...happening,
          uuid: uuid ?? derivedUuid(1, 'token', happening.name),
          derivedFrom: uuid === undefined ? happening.name : null,
        })),
      ];
      return missing.length;
    },
  };
}

type Act =
  | { readonly do: 'arrive'; readonly which: number }
  | { readonly do: 'reconcile'; readonly kept: readonly number[] };

const anyActs = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('arrive' as const), which: fc.nat(11) }),
    fc.record({ do: fc.constant('reconcile' as const), kept: fc.array(fc.nat(11), { maxLength: 4 }) }),
  ),
  { maxLength: 30 },
);

function play(truths: readonly Truth[], acts: readonly Act[]) {
  const store = openStore();
  const at = (place: number) => truths[place % Math.max(1, truths.length)];
  for (const act of acts) {
    if (act.do === 'arrive') {
      const truth = at(act.which);
      if (truth) store.arrive(truth.webhook);
    } else store.reconcile(truths, [...new Set(act.kept.flatMap((place) => at(place) ?? []))]);
  }
  return store;
}

const countOf = (events: readonly { kind: EventKind }[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, events.filter((event) => event.kind === kind).length]));

describe('what is compared with the rows of Postal', () => {
  it('is whole after a comparison and counts nothing twice, whenever webhooks come before, between or after', () => {
    fc.assert(
      fc.property(anyTruths, anyActs, (truths, acts) => {
        const store = play(truths, acts);
        store.reconcile(truths, []);
        expect(countOf(store.events())).toEqual(countOf(truths.map(({ row }) => row)));
        expect(store.reconcile(truths, [])).toBe(0);
        for (const { webhook } of truths) store.arrive(webhook);
        expect(countOf(store.events())).toEqual(countOf(truths.map(({ row }) => row)));
        expect(store.reconcile(truths, truths)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same state and counts in the end as if every webhook had come', () => {
    fc.assert(
      fc.property(anyTruths, anyActs, (truths, acts) => {
        const store = play(truths, acts);
        store.reconcile(truths, []);
        const { latest, opens, clicks } = standing(store.events());
        const wanted = standing(truths.map(({ webhook }) => webhook));
        expect([latest?.state, opens, clicks]).toEqual([wanted.latest?.state, wanted.opens, wanted.clicks]);
      }),
      { numRuns: 500 },
    );
  });

  it('makes one uuid of one row, whoever makes it', () => {
    expect(derivedUuid(1, 'token', 'loads:1')).toBe(derivedUuid(1, 'token', 'loads:1'));
    expect(derivedUuid(1, 'token', 'loads:1')).not.toBe(derivedUuid(2, 'token', 'loads:1'));
    expect(derivedUuid(1, 'token', 'loads:1')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

const delivered: Happening = {
  name: 'deliveries:1',
  kind: 'delivered',
  at: new Date(1_000_000),
  detail: { postal_id: 7, postal_token: 'token' },
  hasWebhook: true,
};
const nothing = { happenings: [delivered], known: [], kept: [], queued: new Set<EventKind>() };

describe('an event without a webhook', () => {
  it('is waited for while it is younger than Postal tries', () => {
    const { missing } = compare({ ...nothing, silentBefore: new Date(999_000) });
    expect(missing).toEqual([]);
  });

  it('is left alone while Postal still has its webhook in the queue, however old it is', () => {
    const findings = compare({
      ...nothing,
      queued: new Set<EventKind>(['delivered']),
      silentBefore: new Date(9_000_000),
    });
    expect(findings).toEqual({ missing: [], expected: [delivered] });
  });

  it('is stored at once when Postal never tells of such', () => {
    const cancelled: Happening = { ...delivered, kind: 'cancelled', hasWebhook: false };
    const { missing } = compare({ ...nothing, happenings: [cancelled], silentBefore: new Date(0) });
    expect(missing).toEqual([{ happening: cancelled, uuid: undefined }]);
  });
});

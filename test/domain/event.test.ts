import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { standing, type Told } from '../../src/domain/event.ts';
import { readWebhook } from '../../src/services/worker/read-webhook.ts';
import { recordedFile, recordedWebhooks } from '../contracts/postal-fixtures.ts';

const at = (seconds: number) => new Date(seconds * 1000);

const sequences: Record<string, readonly Told[]> = {
  'held, then released and sent': [
    { kind: 'held', at: at(10), uuid: 'a' },
    { kind: 'delivered', at: at(20), uuid: 'b' },
  ],
  'failed for good, then retried and sent': [
    { kind: 'failed', at: at(10), uuid: 'a' },
    { kind: 'opened', at: at(35), uuid: 'd' },
    { kind: 'delivered', at: at(30), uuid: 'b' },
  ],
  'sent, and a report of a delay behind it': [
    { kind: 'delivered', at: at(10), uuid: 'a' },
    { kind: 'bounced', at: at(20), uuid: 'b', detail: { bounce_class: 'delay' } },
  ],
  'sent, delayed behind it, and bounced in the end': [
    { kind: 'delivered', at: at(10), uuid: 'a' },
    { kind: 'bounced', at: at(20), uuid: 'b', detail: { bounce_class: 'delay' } },
    { kind: 'bounced', at: at(30), uuid: 'c', detail: { bounce_class: 'address' } },
  ],
  'delayed twice, sent, opened twice, clicked': [
    { kind: 'delayed', at: at(10), uuid: 'a' },
    { kind: 'delayed', at: at(20), uuid: 'b' },
    { kind: 'delivered', at: at(30), uuid: 'c' },
    { kind: 'opened', at: at(40), uuid: 'd' },
    { kind: 'opened', at: at(40), uuid: 'e' },
    { kind: 'clicked', at: at(41), uuid: 'f' },
  ],
};

const expected: Record<string, object> = {
  'sent, and a report of a delay behind it': { state: 'delivered', opens: 0, clicks: 0 },
  'sent, delayed behind it, and bounced in the end': { state: 'bounced', opens: 0, clicks: 0 },
  'held, then released and sent': { state: 'delivered', opens: 0, clicks: 0 },
  'failed for good, then retried and sent': { state: 'delivered', opens: 1, clicks: 0 },
  'delayed twice, sent, opened twice, clicked': { state: 'delivered', opens: 2, clicks: 1 },
};

function summary(told: readonly Told[]) {
  const { latest, opens, clicks } = standing(told);
  return { state: latest?.state, opens, clicks };
}

interface Recorded {
  readonly event: string;
  readonly uuid: string;
  readonly timestamp: number;
  readonly payload: { readonly timestamp?: number; readonly message?: { readonly direction: string } };
}

/** The octets of a recorded webhook; of an attempt so many seconds after its own time where that is told. */
function recorded(name: string, laterBy = 0): Buffer {
  const body = recordedFile(`webhooks/${name}/body.json`);
  if (laterBy === 0) return body;
  const webhook = JSON.parse(body.toString()) as Recorded;
  const { payload, timestamp } = webhook;
  const later = { ...payload, timestamp: (payload.timestamp ?? timestamp) + laterBy };
  return Buffer.from(JSON.stringify({ ...webhook, timestamp: timestamp + laterBy, payload: later }));
}

function toldBy(body: Buffer): readonly Told[] {
  const read = readWebhook(body, new Date('2027-01-01T00:00:00Z'));
  const { uuid } = JSON.parse(body.toString()) as Recorded;
  return read.is === 'event' ? [{ kind: read.kind, at: read.at, uuid, detail: read.detail }] : [];
}

/** What the recorded webhooks say of one recipient when it was all of theirs; released and retried ones were sent an hour later. */
const recordedSequences: [string, Buffer[], object][] = [
  [
    'delayed, then sent',
    [recorded('MessageDelayed-1'), recorded('MessageSent-1')],
    { state: 'delivered', opens: 0, clicks: 0 },
  ],
  [
    'held, then released and sent',
    [recorded('MessageHeld-1'), recorded('MessageSent-2', 3600)],
    { state: 'delivered', opens: 0, clicks: 0 },
  ],
  [
    'failed for good, then retried and sent',
    [recorded('MessageDeliveryFailed-2'), recorded('MessageSent-1', 3600)],
    { state: 'delivered', opens: 0, clicks: 0 },
  ],
  [
    'sent, and bounced',
    [recorded('MessageSent-2'), recorded('MessageBounced-1')],
    { state: 'bounced', opens: 0, clicks: 0 },
  ],
  [
    'sent, opened twice and clicked, beside mail that came in',
    [
      'MessageSent-1',
      'MessageLoaded-1',
      'MessageLoaded-2',
      'MessageLinkClicked-1',
      'MessageSent-incoming',
    ].map((name) => recorded(name)),
    { state: 'delivered', opens: 2, clicks: 1 },
  ],
];

const stateOf: Readonly<Record<string, string>> = {
  MessageSent: 'delivered',
  MessageDelayed: 'delayed',
  MessageDeliveryFailed: 'failed',
  MessageHeld: 'held',
  MessageBounced: 'bounced',
};

/** Postal's time of the attempt; a bounce has that of its webhook alone. */
function timeOf({ timestamp, payload }: Recorded): number {
  return payload.timestamp ?? timestamp;
}

const anyEvent = fc.record({
  kind: fc.constantFrom<Told['kind'][]>(
    'delayed',
    'held',
    'failed',
    'delivered',
    'bounced',
    'opened',
    'clicked',
  ),
  at: fc.integer({ min: 0, max: 3 }).map(at),
  uuid: fc.uuid(),
});

describe('what Postal told of a recipient', () => {
  it.each(Object.keys(sequences))('comes out right in any order and however often it arrives: %s', (name) => {
    const told = sequences[name] ?? [];
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...told, ...told, ...told], { minLength: 3 * told.length - 2 }),
        (arrived) => {
          expect(summary(arrived)).toEqual(expected[name]);
        },
      ),
    );
  });

  it.each(recordedSequences)(
    'comes out right of recorded webhooks in any order and however often they arrive: %s',
    (_, webhooks, outcome) => {
      const told = webhooks.flatMap(toldBy);
      const copies = [...told, ...told, ...told];
      fc.assert(
        fc.property(fc.shuffledSubarray(copies, { minLength: 3 * told.length - 2 }), (arrived) => {
          expect(summary(arrived)).toEqual(outcome);
        }),
      );
    },
  );

  it('is what the latest recorded webhook by its own times says, whichever of them arrived', () => {
    const all = recordedWebhooks().map(({ body }) => body);
    fc.assert(
      fc.property(fc.shuffledSubarray([...all, ...all]), (arrived) => {
        const sent = arrived.map((body) => JSON.parse(body.toString()) as Recorded);
        const outgoing = sent.filter(({ payload }) => payload.message?.direction !== 'incoming');
        const states = outgoing.filter(({ event }) => event in stateOf);
        const latest = states.toSorted((one, other) => timeOf(one) - timeOf(other)).at(-1);
        const count = (event: string) =>
          new Set(outgoing.filter((one) => one.event === event).map(({ uuid }) => uuid)).size;
        expect(summary(arrived.flatMap(toldBy))).toEqual({
          state: latest && stateOf[latest.event],
          opens: count('MessageLoaded'),
          clicks: count('MessageLinkClicked'),
        });
      }),
    );
  });

  it('depends on the set of events alone, also when their times are equal', () => {
    const eventsTwice = fc
      .uniqueArray(anyEvent, { selector: ({ uuid }) => uuid, maxLength: 8 })
      .chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.shuffledSubarray([...events, ...events], { minLength: 2 * events.length }),
        ),
      );
    fc.assert(
      fc.property(eventsTwice, ([events, arrived]) => {
        expect(summary(arrived)).toEqual(summary(events));
      }),
    );
  });

  it('says nothing of the state while there are only opens and clicks', () => {
    expect(standing([{ kind: 'opened', at: at(1), uuid: 'a' }])).toEqual({
      latest: undefined,
      opens: 1,
      clicks: 0,
    });
  });

  it('lets a bounce of the same second outrank the delivery', () => {
    const told: Told[] = [
      { kind: 'bounced', at: at(5), uuid: 'a' },
      { kind: 'delivered', at: at(5), uuid: 'b' },
    ];
    expect(standing(told).latest?.state).toBe('bounced');
  });
});

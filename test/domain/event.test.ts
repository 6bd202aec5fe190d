import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { standing, type Told } from '../../src/domain/event.ts';

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

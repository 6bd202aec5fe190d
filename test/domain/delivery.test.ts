import { describe, expect, it } from 'vitest';

import { chunks, settle } from '../../src/domain/delivery.ts';

const recipients = [
  {
    position: 0,
    address: 'josé@example.test',
    state: 'sending',
    suppressed: null,
    isOfEarlierEpoch: false,
    isForgottenAtPostal: false,
  },
  {
    position: 1,
    address: 'jose@example.test',
    state: 'sending',
    suppressed: null,
    isOfEarlierEpoch: false,
    isForgottenAtPostal: false,
  },
] as const;

const statesAfter = (handover: Parameters<typeof settle>[0]) =>
  settle(handover, recipients).map(({ state }) => state);

describe('what a hand-over means for each recipient', () => {
  it('is accepted under the name that Postal gave exactly this address', () => {
    const named = new Map([
      ['jose@example.test', { id: 2, token: 'b' }],
      ['josé@example.test', { id: 1, token: 'a' }],
    ]);
    expect(settle({ outcome: 'accepted', recipients: named }, recipients)).toEqual([
      {
        position: 0,
        address: 'josé@example.test',
        state: 'accepted',
        name: { id: 1, token: 'a' },
        detail: '',
      },
      {
        position: 1,
        address: 'jose@example.test',
        state: 'accepted',
        name: { id: 2, token: 'b' },
        detail: '',
      },
    ]);
  });

  it('is uncertain for a recipient that the answer leaves out', () => {
    const named = new Map([['jose@example.test', { id: 2, token: 'b' }]]);
    expect(statesAfter({ outcome: 'accepted', recipients: named })).toEqual(['uncertain', 'accepted']);
  });

  it('is final only when it was refused', () => {
    expect(statesAfter({ outcome: 'refused', reason: '' })).toEqual(['failed', 'failed']);
    expect(statesAfter({ outcome: 'busy', reason: '' })).toEqual(['queued', 'queued']);
    expect(statesAfter({ outcome: 'blocked', problem: 'suspended', reason: '' })).toEqual([
      'queued',
      'queued',
    ]);
    expect(statesAfter({ outcome: 'unclear', reason: '' })).toEqual(['uncertain', 'uncertain']);
  });

  it('is told as an attempt that failed where Postal did not take it, and not where nothing gets through', () => {
    const toldAfter = (handover: Parameters<typeof settle>[0]) =>
      settle(handover, recipients).map(({ event, detail }) => [event, detail]);
    expect(toldAfter({ outcome: 'busy', reason: 'slow down' })).toEqual([
      ['attempt_failed', 'slow down'],
      ['attempt_failed', 'slow down'],
    ]);
    expect(toldAfter({ outcome: 'blocked', problem: 'suspended', reason: 'suspended' })).toEqual([
      [undefined, 'suspended'],
      [undefined, 'suspended'],
    ]);
  });
});

describe('chunks', () => {
  it('hold everything once, in order, and at most so many each', () => {
    expect(chunks([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunks([], 2)).toEqual([]);
  });
});

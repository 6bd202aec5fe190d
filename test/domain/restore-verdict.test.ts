import { describe, expect, it } from 'vitest';

import { judgeQueueRow, judgeRecipient, type RecipientEvidence } from '../../src/domain/restore-verdict.ts';

const unasked: RecipientEvidence = { before: undefined, postal: undefined, past: undefined };

describe('a recipient that a restored database believes unsent', () => {
  it.each<[string, Partial<RecipientEvidence>, string]>([
    ['the Postal that goes on has it and had it all along', { postal: 'postal', past: 'same' }, 'settled'],
    ['it was delivered before, whatever Postal says', { before: 'delivered' }, 'settled'],
    ['Postal lived on and had taken it', { before: 'accepted', past: 'same' }, 'settled'],
    ['Postal lived on and has no trace of it', { postal: 'nowhere', past: 'same' }, 'not-sent'],
    ['Postal lived on and has an orphan', { postal: 'orphan', past: 'same' }, 'not-sent'],
    [
      'Postal lived on and may have tidied it away',
      { before: 'sending', postal: 'tidied', past: 'same' },
      'unknown',
    ],
    ['it was waiting here before', { before: 'queued', past: 'same' }, 'not-sent'],
    ['a hand-over was under way and nobody can be asked', { before: 'sending', past: 'same' }, 'unknown'],
    ['the replaced Postal had sent it', { before: 'accepted', postal: 'nowhere', past: 'gone' }, 'settled'],
    [
      'the replaced Postal had it waiting',
      { before: 'accepted', postal: 'nowhere', past: 'waiting' },
      'not-sent',
    ],
    [
      'the replaced Postal had it in hand',
      { before: 'accepted', postal: 'nowhere', past: 'in-hand' },
      'unknown',
    ],
    [
      'the replaced Postal never had it',
      { before: 'sending', postal: 'nowhere', past: 'unheard-of' },
      'not-sent',
    ],
    ['the replaced Postal had tidied it away', { before: 'accepted', past: 'unheard-of' }, 'settled'],
    ['the replaced Postal is lost and had taken it', { before: 'accepted', postal: 'nowhere' }, 'unknown'],
    [
      'the replaced Postal is lost and it was not handed over',
      { before: 'absent', postal: 'nowhere' },
      'not-sent',
    ],
    ['all that was there before is lost', { postal: 'nowhere' }, 'unknown'],
    ['the restored queue has it and nobody knows more', { postal: 'waiting' }, 'unknown'],
    ['the restored queue has it and it was waiting', { postal: 'waiting', past: 'waiting' }, 'settled'],
    ['the restored queue has it and it was sent since', { postal: 'waiting', past: 'gone' }, 'settled'],
  ])('when %s', (_, evidence, verdict) => {
    expect(judgeRecipient({ ...unasked, ...evidence })).toBe(verdict);
  });
});

describe("a row of a restored Postal's queue", () => {
  it.each([
    [{ before: 'gone', own: undefined }, 'settled'],
    [{ before: undefined, own: 'bounced' }, 'settled'],
    [{ before: 'waiting', own: 'accepted' }, 'not-sent'],
    [{ before: 'in-hand', own: undefined }, 'unknown'],
    [{ before: undefined, own: undefined }, 'unknown'],
  ] as const)('with %o is %s', (evidence, verdict) => {
    expect(judgeQueueRow(evidence)).toBe(verdict);
  });
});

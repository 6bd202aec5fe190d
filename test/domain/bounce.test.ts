import { describe, expect, it } from 'vitest';

import { type BounceClass, classify, codeIn, withClass } from '../../src/domain/bounce.ts';
import type { Event } from '../../src/domain/event.ts';

const replies: readonly (readonly [BounceClass, string])[] = [
  ['address', '550 5.1.1 user unknown'],
  ['address', '550-5.1.1 The email account that you tried to reach does not exist.'],
  ['address', '556 5.1.10 The domain takes no mail (null MX)'],
  ['address', '550 5.1.2 Bad destination system address'],
  ['address', '550 5.2.1 The mailbox is disabled'],
  ['address', '550 No such user here'],
  ['address', '553 sorry, unknown recipient'],
  ['address', '550 Requested action not taken: mailbox unavailable'],
  ['mailbox', '552 5.2.2 Mailbox full'],
  ['mailbox', '552 Quota exceeded'],
  ['mailbox', '552 5.3.4 Message too big for system'],
  ['policy', '550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org'],
  ['policy', '554 5.7.1 Message rejected under suspicion of SPAM'],
  ['policy', '550 5.7.26 This mail is unauthenticated: SPF and DKIM did not pass'],
  ['policy', '550 5.1.1 Your IP is on a blocklist'],
  ['policy', '550 5.1.8 Sender address rejected: Domain not found'],
  ['policy', '550 5.1.7 Bad sender mailbox address'],
  ['policy', '554 Your host has a poor reputation'],
  ['policy', '550 5.4.1 Recipient address rejected: Access denied'],
  ['content', '554 5.6.0 Invalid header'],
  ['network', '550 5.4.4 Unable to route'],
  ['delay', '4.4.7 Message delayed'],
  ['other', '550 rejected'],
  ['other', '550 5.0.0 No'],
  ['other', ''],
  ['other', 'Maximum number of delivery attempts (18) has been reached.'],
  ['other', "Message doesn't have an RCPT to"],
  ['other', '450 no such user, try again later'],
];

describe('a failure', () => {
  it.each(replies)('is about %s: %s', (expected, words) => {
    expect(classify({ code: undefined, words }).class).toBe(expected);
  });

  it('is read by its code, wherever that stands in the reply', () => {
    expect(codeIn('550 5.1.1 user unknown')).toBe('5.1.1');
    expect(codeIn('550-5.7.26 no')).toBe('5.7.26');
    expect(codeIn('no code in 192.0.2.5 or 5.1.1.7 or 5.1')).toBeUndefined();
  });

  it('keeps its words when it is classified, and other events are left alone', () => {
    const event: Event = {
      id: 'evt_1',
      messageId: 'msg_1',
      recipient: 'ann@example.test',
      kind: 'failed',
      at: new Date(0),
      postalUuid: 'a',
      detail: { output: '550 5.1.1 user unknown', details: 'Permanent SMTP delivery error' },
    };
    expect(withClass(event).detail).toEqual({
      ...event.detail,
      bounce_class: 'address',
      bounce_code: '5.1.1',
    });
    expect(withClass({ ...event, kind: 'delayed' }).detail).toEqual(event.detail);
    expect(withClass({ ...event, postalUuid: null }).detail).toEqual(event.detail);
  });

  it('with a megabyte of words is read in no time to speak of', () => {
    const words = 'mailbox '.repeat(130_000);
    expect(classify({ code: undefined, words }).class).toBe('other');
  });
});

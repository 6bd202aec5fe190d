import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';

import { webhookHeaders, webhookSecret } from '../../src/domain/webhook-signature.ts';

const first = webhookSecret('a1'.repeat(26));
const second = webhookSecret('b2'.repeat(26));
const body = JSON.stringify({ type: 'message.delivered', data: { name: 'Jörg ☃' } });
const content = { id: 'evt_1', at: new Date(), body };

describe('the headers of a webhook', () => {
  it('verify with the library of Standard Webhooks', () => {
    expect(new Webhook(first.reveal()).verify(body, webhookHeaders(content, [first]))).toEqual(
      JSON.parse(body),
    );
  });

  it('verify with either secret during a rotation', () => {
    const headers = webhookHeaders(content, [first, second]);
    expect(() => new Webhook(first.reveal()).verify(body, headers)).not.toThrow();
    expect(() => new Webhook(second.reveal()).verify(body, headers)).not.toThrow();
  });

  it('do not verify with another secret, or for another body or id', () => {
    const headers = webhookHeaders(content, [first]);
    expect(() => new Webhook(second.reveal()).verify(body, headers)).toThrow('No matching signature');
    expect(() => new Webhook(first.reveal()).verify(`${body} `, headers)).toThrow('No matching signature');
    expect(() => new Webhook(first.reveal()).verify(body, { ...headers, 'webhook-id': 'evt_2' })).toThrow(
      'No matching signature',
    );
  });

  it('are of the time of the attempt, in whole seconds', () => {
    expect(webhookHeaders({ ...content, at: new Date(1_700_000_000_999) }, [first])).toMatchObject({
      'webhook-timestamp': '1700000000',
    });
  });
});

describe('a webhook secret', () => {
  it('is made of 52 letters and digits and nothing else', () => {
    expect(() => webhookSecret('a'.repeat(51))).toThrow(RangeError);
    expect(() => webhookSecret(`${'a'.repeat(51)}+`)).toThrow(RangeError);
  });
});

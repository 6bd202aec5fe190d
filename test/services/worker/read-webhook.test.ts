import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { readWebhook } from '../../../src/services/worker/read-webhook.ts';

const folder = new URL('../../contracts/fixtures/postal/webhooks/', import.meta.url);
const latest = new Date('2027-01-01T00:00:00Z');

function recorded(name: string): Buffer {
  return readFileSync(new URL(`${name}/body.json`, folder));
}

function changed(
  name: string,
  change: (json: { payload: Record<string, unknown> } & Record<string, unknown>) => void,
) {
  const json = JSON.parse(recorded(name).toString());
  change(json);
  return Buffer.from(JSON.stringify(json));
}

describe('reading a recorded webhook of Postal', () => {
  it.each([
    ['MessageSent-1', 'delivered', 'alice@a.rcpt.test'],
    ['MessageSent-2', 'delivered', 'bob@b.rcpt.test'],
    ['MessageDelayed-1', 'delayed', 'alice@a.rcpt.test'],
    ['MessageDelayed-2', 'delayed', 'notanaddress'],
    ['MessageDeliveryFailed-1', 'failed', null],
    ['MessageDeliveryFailed-2', 'failed', 'hard1@x.rcpt.test'],
    ['MessageHeld-1', 'held', 'hard1@x.rcpt.test'],
    ['MessageHeld-2', 'held', 's3@s.rcpt.test'],
    ['MessageBounced-1', 'bounced', 'tobounce@y.rcpt.test'],
    ['MessageLoaded-1', 'opened', 'loader@y.rcpt.test'],
    ['MessageLoaded-2', 'opened', 'loader@y.rcpt.test'],
    ['MessageLinkClicked-1', 'clicked', 'loader@y.rcpt.test'],
  ])('%s is an event: %s for %s', (name, kind, to) => {
    expect(readWebhook(recorded(name), latest)).toMatchObject({ is: 'event', kind, message: { to } });
  });

  it('takes the time of the delivery, not that of the report', () => {
    const read = readWebhook(recorded('MessageSent-1'), latest);
    expect(read.is === 'event' && read.at.toISOString()).toBe('2026-11-23T08:08:15.565Z');
  });

  it('keeps what the remote server said, and the clicked link', () => {
    expect(readWebhook(recorded('MessageDeliveryFailed-2'), latest)).toMatchObject({
      detail: { output: '550 5.1.1 user unknown' },
    });
    expect(readWebhook(recorded('MessageLinkClicked-1'), latest)).toMatchObject({
      detail: { url: 'https://example.com/a?b=1', is_machine: false },
    });
  });

  it('counts nothing that came in to Postal', () => {
    expect(readWebhook(recorded('MessageSent-incoming'), latest)).toEqual({ is: 'incoming' });
  });

  it.each(['DomainDNSError-1', 'SendLimitApproaching-1', 'SendLimitExceeded-1'])(
    '%s concerns the platform',
    (name) => {
      expect(readWebhook(recorded(name), latest)).toMatchObject({ is: 'platform' });
    },
  );

  it('leaves no recording unread', () => {
    const odd = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .filter(({ name }) => readWebhook(recorded(name), latest).is === 'odd');
    expect(odd).toEqual([]);
  });
});

it('reads an event of years ago like any other: a late retry is no forgery', () => {
  const body = changed('MessageSent-1', (json) => {
    json['timestamp'] = 1_000_000_001;
    json.payload['timestamp'] = 1_000_000_000;
  });
  expect(readWebhook(body, latest)).toMatchObject({ is: 'event', at: new Date('2001-09-09T01:46:40Z') });
});

describe('a webhook that is odd', () => {
  it('is no JSON, of an unknown event, or not as Postal writes it', () => {
    const bodies = [
      Buffer.from('{"event":'),
      Buffer.from('null'),
      changed('MessageSent-1', (json) => (json['event'] = 'MessageVanished')),
      changed('MessageSent-1', (json) => (json.payload['timestamp'] = 'yesterday')),
      changed('MessageSent-1', (json) => (json.payload['message'] = null)),
    ];
    expect(bodies.map((body) => readWebhook(body, latest).is)).toEqual(bodies.map(() => 'odd'));
  });

  it('is later than any true event can be, and would outrank them all', () => {
    const body = changed('MessageSent-1', (json) => (json.payload['timestamp'] = 4_000_000_000));
    expect(readWebhook(body, latest)).toMatchObject({ is: 'odd', why: expect.stringContaining('future') });
  });
});

describe('text that a database could refuse', () => {
  it('is cleaned of NUL and of half surrogates', () => {
    const body = Buffer.from(
      recorded('MessageSent-1')
        .toString()
        .replace('250 queued as 1', String.raw`a\u0000b\ud800c`),
    );
    expect(readWebhook(body, latest)).toMatchObject({ detail: { output: 'a\uFFFDb\uFFFDc' } });
  });
});

describe('a visit', () => {
  it.each([
    ['Mozilla/5.0 (Windows NT 10.0) GoogleImageProxy', true],
    ['Mozilla/5.0', true],
    ['', true],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0', false],
  ])('by %j is one of a machine: %s', (agent, isMachine) => {
    const body = changed('MessageLoaded-1', (json) => (json.payload['user_agent'] = agent));
    expect(readWebhook(body, latest)).toMatchObject({ detail: { is_machine: isMachine } });
  });
});

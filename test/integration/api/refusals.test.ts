import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ApiUnderTest, call, countOf, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({
    API_MAX_BODY_BYTES: '2MB',
    API_RATE_LIMIT: '100000',
    API_BURST_LIMIT: '100000',
    API_MAX_SCHEDULE: '30d',
  });
});
afterAll(() => api[Symbol.asyncDispose]());

const good = { from: 'news@acme.test', to: 'ann@example.com', subject: 'Hi', text: 'Hello' };
const injected = 'x\r\nBcc: eve@example.com';
const many = Array.from({ length: 51 }, (_, place) => `r${place}@example.com`);

interface Case {
  readonly what: string;
  readonly body?: unknown;
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly answer: { status: number; code: string; field?: string };
}

function field(name: string): Case['answer'] {
  return { status: 422, code: 'invalid-field', field: name };
}

const cases: readonly Case[] = [
  { what: 'JSON that ends early', raw: '{"from": "a', answer: { status: 400, code: 'invalid-json' } },
  { what: 'an empty body', raw: '', answer: { status: 400, code: 'empty-body' } },
  {
    what: 'octets that are not UTF-8',
    raw: Buffer.concat([Buffer.from('{"from":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    answer: { status: 400, code: 'invalid-encoding' },
  },
  { what: 'a megabyte of nesting', raw: '['.repeat(1_048_576), answer: { status: 400, code: 'too-deep' } },
  {
    what: 'nesting inside a field',
    raw: `{"metadata":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_001)}`,
    answer: { status: 400, code: 'too-deep' },
  },
  {
    what: 'another content type',
    raw: 'from=a',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    answer: { status: 415, code: 'unsupported-media-type', field: 'content-type' },
  },
  {
    what: 'a body beyond the limit',
    body: { ...good, text: 'x'.repeat(2_100_000) },
    answer: { status: 413, code: 'too-large' },
  },
  { what: 'an array', body: [good], answer: { status: 422, code: 'invalid-field' } },
  { what: 'null', body: null, answer: { status: 422, code: 'invalid-field' } },
  { what: 'no from', body: { ...good, from: undefined }, answer: field('from') },
  { what: 'a number as from', body: { ...good, from: 7 }, answer: field('from') },
  {
    what: 'an address that is none',
    body: { ...good, to: ['ann@example.com', 'nobody'] },
    answer: field('to[1]'),
  },
  { what: 'an object as to', body: { ...good, to: { a: 1 } }, answer: field('to') },
  { what: 'no recipient at all', body: { ...good, to: [] }, answer: field('to') },
  {
    what: '51 recipients',
    body: { ...good, to: many },
    answer: { status: 422, code: 'too-many-recipients', field: 'to' },
  },
  { what: 'neither text nor html', body: { ...good, text: undefined }, answer: field('text') },
  { what: 'an unknown field', body: { ...good, colour: 'red' }, answer: field('colour') },
  { what: 'a line break in subject', body: { ...good, subject: injected }, answer: field('subject') },
  {
    what: 'a line break in from',
    body: { ...good, from: `A ${injected} <a@b.test>` },
    answer: field('from'),
  },
  { what: 'a line break in to', body: { ...good, to: `"${injected}" <a@b.test>` }, answer: field('to') },
  { what: 'a line break in reply_to', body: { ...good, reply_to: injected }, answer: field('reply_to') },
  { what: 'a line break in tag', body: { ...good, tag: injected }, answer: field('tag') },
  {
    what: 'a line break in a header value',
    body: { ...good, headers: { 'X-A': injected } },
    answer: field('headers.X-A'),
  },
  {
    what: 'a line break in a header name',
    body: { ...good, headers: { [injected]: 'x' } },
    answer: field('headers.?'),
  },
  {
    what: 'a header that the platform sets',
    body: { ...good, headers: { BCC: 'eve@example.com' } },
    answer: field('headers.BCC'),
  },
  {
    what: 'an order to Postal',
    body: { ...good, headers: { 'X-Postal-Bounce': '1' } },
    answer: field('headers.X-Postal-Bounce'),
  },
  {
    what: 'a line break in a file name',
    body: { ...good, attachments: [{ filename: injected, content: '' }] },
    answer: field('attachments[0].filename'),
  },
  {
    what: 'a media type with a line break',
    body: { ...good, attachments: [{ filename: 'a', content: '', content_type: `a/b${injected}` }] },
    answer: field('attachments[0].content_type'),
  },
  {
    what: 'an attachment that is not base64',
    body: { ...good, attachments: [{ filename: 'a', content: '???' }] },
    answer: field('attachments[0].content'),
  },
  { what: 'a NUL in metadata', body: { ...good, metadata: { a: 'x\u0000' } }, answer: field('metadata.a') },
  { what: 'a number in metadata', body: { ...good, metadata: { a: 1 } }, answer: field('metadata.a') },
  { what: 'a time that is none', body: { ...good, send_at: 'tomorrow' }, answer: field('send_at') },
  {
    what: 'a time too far ahead',
    body: { ...good, send_at: new Date(Date.now() + 31 * 86_400_000).toISOString() },
    answer: field('send_at'),
  },
  {
    what: 'an Idempotency-Key that is none',
    body: good,
    headers: { 'idempotency-key': 'a b' },
    answer: field('idempotency-key'),
  },
  {
    what: 'a raw message without From',
    raw: 'To: ann@example.com\r\n\r\nHello',
    headers: { 'content-type': 'message/rfc822' },
    answer: { status: 400, code: 'invalid-message', field: 'from' },
  },
  {
    what: 'a raw message with a NUL octet',
    raw: 'From: a@b.test\r\nTo: ann@example.com\r\n\r\nHel\u0000lo',
    headers: { 'content-type': 'message/rfc822' },
    answer: { status: 400, code: 'invalid-message' },
  },
  {
    what: 'an empty raw message',
    raw: '',
    headers: { 'content-type': 'message/rfc822' },
    answer: { status: 400, code: 'empty-body' },
  },
  {
    what: 'a raw message with 51 recipients',
    raw: 'From: a@b.test\r\n\r\nHello',
    headers: { 'content-type': 'message/rfc822', 'rcpt-to': many.join(', ') },
    answer: { status: 422, code: 'too-many-recipients' },
  },
  {
    what: 'a raw message with an envelope that is none',
    raw: 'From: a@b.test\r\n\r\nHello',
    headers: { 'content-type': 'message/rfc822', 'rcpt-to': 'ann@example.com, nobody' },
    answer: field('rcpt-to'),
  },
];

describe('sending', () => {
  it.each(cases)('refuses $what with a stable code, and stores nothing', async (wrong) => {
    const before = await countOf(api.db, 'messages');
    const answer = await call(api, 'POST', '/v1/messages', wrong);
    expect(answer).toMatchObject({
      status: wrong.answer.status,
      body: { ...wrong.answer, type: `urn:mailctl:problem:${wrong.answer.code}`, retryable: false },
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body['request_id']).toBe(answer.headers.get('x-request-id'));
    expect(JSON.stringify(answer.body)).not.toContain('eve@example.com');
    expect(await countOf(api.db, 'messages')).toBe(before);
    expect(await countOf(api.db, 'idempotency_keys')).toBe(0);
  });
});

describe('reading', () => {
  it.each([
    ['/v1/messages?limit=0', 422, 'limit'],
    ['/v1/messages?limit=101', 422, 'limit'],
    ['/v1/messages?state=lost', 422, 'state'],
    ['/v1/messages?cursor=msg_1', 422, 'cursor'],
    ['/v1/messages?since=yesterday', 422, 'since'],
    ['/v1/messages?colour=red', 422, 'colour'],
    ['/v1/messages/msg_00000000000000000000000000', 404, 'id'],
  ])('refuses %s', async (path, status, name) => {
    expect(await call(api, 'GET', path)).toMatchObject({ status, body: { field: name } });
  });

  it('refuses a value that PostgreSQL cannot hold, without calling it our bug', async () => {
    expect(await call(api, 'GET', '/v1/messages?tag=%00')).toMatchObject({
      status: 400,
      body: { code: 'bad-request' },
    });
  });

  it('answers an unknown path and an unknown method with a problem document', async () => {
    expect(await call(api, 'GET', '/v2/messages')).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
    expect(await call(api, 'PUT', '/v1/messages')).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  it('answers a path that cannot be decoded with a problem document', async () => {
    expect(await call(api, 'GET', '/v1/messages/%ff')).toMatchObject({ status: 400 });
  });
});

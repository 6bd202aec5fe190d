import { describe, expect, test } from 'vitest';

import { faultKinds, openFaults } from '../../src/postal-stand-in/faults.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { quickClock } from './clocks.ts';
import { askSurely } from './http-client.ts';
import { htmlMail, startTestPostal, type TestPostal } from './stand-in.ts';

interface Row {
  readonly rcpt_to: string;
  readonly status: string;
  readonly queued: boolean;
  readonly deliveries: readonly unknown[];
}

const many = Array.from({ length: 5 }, (_, at) => `r${at}@b.rcpt.test`);

describe('an answer goes wrong on request', () => {
  test('server-error: 500 html and nothing is stored', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'server-error', count: 1 });
    expect(await running.sendRaw(many)).toMatchObject({
      status: 500,
      headers: { 'content-type': 'text/html; charset=UTF-8' },
    });
    expect(await rowsOf(running)).toEqual([]);
  });

  test('server-suspended: the error of that name and nothing is stored', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'server-suspended', count: 1 });
    const answer = await running.call('send/raw', {
      rcpt_to: many,
      mail_from: 'k@acme.test',
      data: base64Mail(),
    });
    expect(JSON.parse(answer.text)).toMatchObject({ status: 'error', data: { code: 'ServerSuspended' } });
    expect(await rowsOf(running)).toEqual([]);
  });

  test('dropped-before: no answer and nothing is stored', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'dropped-before', count: 1 });
    expect(await running.sendRaw(many)).toBe('dropped');
    expect(await rowsOf(running)).toEqual([]);
  });

  test('dropped-after: no answer, but all of it is stored and delivered', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'dropped-after', count: 1 });
    expect(await running.sendRaw(many)).toBe('dropped');
    await running.postal.idle();
    expect((await rowsOf(running)).map(({ status }) => status)).toEqual(many.map(() => 'Sent'));
  });

  test('slow-answer: all of it is stored long before the answer', async () => {
    const clock = quickClock();
    await using running = await startTestPostal({}, { clock });
    running.postal.order({ kind: 'slow-answer', count: 1, ms: 70_000 });
    expect(await running.sendRaw(many)).toMatchObject({ status: 200 });
    expect(clock.waits).toEqual([70_000]);
  });

  test('killed-midway: the last row is an orphan that is never delivered', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'killed-midway', count: 1, recipients: 3 });
    expect(await running.sendRaw(many)).toBe('dropped');
    await running.postal.idle();
    const rows = await rowsOf(running);
    expect(rows.map(({ status, queued, deliveries }) => [status, queued, deliveries.length])).toEqual([
      ['Sent', false, 1],
      ['Sent', false, 1],
      ['Pending', false, 0],
    ]);
  });

  test('slow-accept: rows go on being written after the client has gone', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'slow-accept', count: 1, ms: 40 });
    expect(await running.sendRaw(many, { giveUpAfterMs: 90 })).toBe('dropped');
    const atOnce = await rowsOf(running);
    expect(atOnce.length).toBeLessThan(many.length);
    await untilTrue(async () => (await rowsOf(running)).length === many.length);
    await running.postal.idle();
    expect((await rowsOf(running)).every(({ status }) => status === 'Sent')).toBe(true);
  });
});

describe('a delivery goes wrong on request', () => {
  test.each([
    ['delivery-451', 'SoftFail', '451 4.7.1 try again later'],
    ['delivery-550', 'HardFail', '550 5.1.1 user unknown'],
  ] as const)('%s: %s', async (kind, status, output) => {
    await using running = await startTestPostal();
    running.postal.order({ kind, count: 1, scope: { rcpt_to: 'bob@b.rcpt.test' } });
    const { id } = await running.sendOne('bob@b.rcpt.test');
    await running.postal.idle();
    const { data } = JSON.parse((await running.call('messages/deliveries', { id })).text);
    expect(data).toMatchObject([{ status, output }]);
  });

  test('delivery-withheld: the message stays Pending in the queue', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'delivery-withheld', count: 1 });
    await running.sendOne('bob@b.rcpt.test');
    await running.postal.idle();
    expect(await rowsOf(running)).toMatchObject([{ status: 'Pending', queued: true, deliveries: [] }]);
  });

  test('tracking-error: pixel and links answer 500 and count nothing', async () => {
    await using running = await startTestPostal({ tracking: { trackWithoutProxy: true } });
    running.postal.order({ kind: 'tracking-error', count: 1 });
    const { id, token } = await running.sendOne('bob@b.rcpt.test');
    const path = `/img/${running.postal.serverToken}/${token}`;
    expect((await askSurely(running.postal.url, { path })).status).toBe(500);
    expect((await askSurely(running.postal.url, { path })).status).toBe(200);
    expect(await running.control(`mailbox/${id}.json`)).toMatchObject({ opens: 1 });
  });
});

describe('faults are ordered over HTTP', () => {
  test('listed with what they mean, ordered, used up, and taken back', async () => {
    await using running = await startTestPostal();
    const { kinds } = await running.control<{ kinds: object }>('faults');
    expect(Object.keys(kinds)).toEqual(Object.keys(faultKinds));
    await running.control('faults', {
      kind: 'server-error',
      count: 2,
      scope: { mail_from: 'key@acme.test' },
    });
    expect(await running.sendRaw(many, { mailFrom: 'other@acme.test' })).toMatchObject({ status: 200 });
    expect(await running.sendRaw(many)).toMatchObject({ status: 500 });
    await askSurely(running.postal.url, { method: 'DELETE', path: '/_stand-in/faults' });
    expect(await running.sendRaw(many)).toMatchObject({ status: 200 });
  });

  test('one that is none is refused by name', async () => {
    await using running = await startTestPostal();
    expect(await running.control('faults', { kind: 'gremlins' })).toMatchObject({
      error: expect.stringContaining('must be one of server-error'),
    });
  });

  test('a reset forgets faults and messages, and ids go on growing', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'server-error' });
    await running.control('reset', {});
    const before = await running.sendOne('bob@b.rcpt.test');
    await running.control('reset', {});
    expect(await rowsOf(running)).toEqual([]);
    const after = await running.sendOne('bob@b.rcpt.test');
    expect(after.id).toBeGreaterThan(before.id);
  });
});

describe('a fault', () => {
  test('happens as often as ordered and for its scope only', () => {
    const faults = openFaults();
    faults.order({ kind: 'delivery-550', count: 2, scope: { rcpt_to: 'a@x' } });
    const taken = ['b@x', 'a@x', 'a@x', 'a@x'].map(
      (to) => faults.take('delivery-550', { rcptTo: [to] }) !== undefined,
    );
    expect(taken).toEqual([false, true, true, false]);
  });

  test('without a count happens until it is reset', () => {
    const faults = openFaults();
    faults.order({ kind: 'server-error' });
    for (let turn = 0; turn < 100; turn += 1) expect(faults.take('server-error', {})).toBeDefined();
    faults.reset();
    expect(faults.take('server-error', {})).toBeUndefined();
  });
});

async function rowsOf(running: TestPostal): Promise<Row[]> {
  const { messages } = await running.control<{ messages: Row[] }>('messages.json?mail_from=key@acme.test');
  return messages;
}

function base64Mail(): string {
  return Buffer.from(htmlMail()).toString('base64');
}

async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonicMs() + 5000;
  while (!(await holds())) if (systemClock.monotonicMs() > deadline) throw new Error('it never came true');
}

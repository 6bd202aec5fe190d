import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, test } from 'vitest';

import type { StoredMessage } from '../../src/postal-stand-in/messages.ts';
import type { Ledger } from '../../src/postal-stand-in/options.ts';
import { quickClock } from './clocks.ts';
import { htmlMail, startTestPostal, type TestPostal } from './stand-in.ts';

describe('a recipient chooses the ending by name', () => {
  test.each([
    ['bob', ['Sent']],
    ['bounce', ['Sent']],
    ['delayed+1', ['SoftFail', 'Sent']],
    ['HardFail', ['HardFail']],
    ['held', ['Held']],
  ])('%s@: %j', async (localPart, statuses) => {
    await using running = await startTestPostal({ speed: 1000 }, { clock: quickClock() });
    const { id } = await running.sendOne(`${localPart}@b.rcpt.test`);
    await until(running, id, (deliveries) => deliveries.length === statuses.length);
    expect((await deliveriesOf(running, id)).map(({ status }) => status)).toEqual(statuses);
  });

  test('softfail@ is tried 18 times, and given up after about 31 hours', async () => {
    const clock = quickClock();
    await using running = await startTestPostal({}, { clock });
    const { id } = await running.sendOne('softfail@b.rcpt.test');
    await until(running, id, (deliveries) => deliveries.length === 19);
    const statuses = (await deliveriesOf(running, id)).map(({ status }) => status);
    expect(statuses).toEqual([...Array.from({ length: 18 }, () => 'SoftFail'), 'HardFail']);
    const hours = clock.waits.reduce((sum, ms) => sum + ms, 0) / 3_600_000;
    expect(clock.waits.slice(0, 3).map(Math.round)).toEqual([300_000, 390_000, 507_000]);
    expect(hours).toBeCloseTo(31, 0);
  });

  test('the second hard failure of an address suppresses it', async () => {
    await using running = await startTestPostal();
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const { id } = await running.sendOne('hardfail@b.rcpt.test');
      await running.postal.idle();
      statuses.push((await deliveriesOf(running, id))[0]?.status);
    }
    expect(statuses).toEqual(['HardFail', 'HardFail', 'Held']);
  });
});

describe('delivered mail', () => {
  test('is signed so that an independent verifier finds the published key and is content', async () => {
    await using running = await startTestPostal({ tracking: {} });
    const body =
      '<html><body>two  spaces \t\r\n  and a <a href="https://example.com/">link</a>  \r\n\r\n\r\n</body></html>';
    const { id } = await running.sendOne('bob@b.rcpt.test', {
      message: htmlMail(['X-Folded: a\r\n b'], body),
    });
    await running.postal.idle();
    const mail = running.postal.delivered(id) ?? '';
    const resolver = async (name: string) =>
      running.postal.dkimRecords.filter((record) => record.name === name).map(({ value }) => [value]);
    const { results } = await dkimVerify(mail, { resolver });
    expect(results.map(({ status, signingDomain }) => [status.result, signingDomain])).toEqual([
      ['pass', 'acme.test'],
    ]);
    const tampered = Buffer.from(mail.toString('latin1').replace('two', 'six'), 'latin1');
    expect((await dkimVerify(tampered, { resolver })).results[0]?.status.result).not.toBe('pass');
  });

  test('is signed in no time even when it is nothing but blank lines', async () => {
    await using running = await startTestPostal();
    const { id } = await running.sendOne('bob@b.rcpt.test', {
      message: htmlMail([], `${'\r\n'.repeat(500_000)}x`),
    });
    await running.postal.idle();
    expect(running.postal.delivered(id)?.length).toBeGreaterThan(1_000_000);
  });

  test('carries the server token as envelope sender, never our mail_from', async () => {
    await using running = await startTestPostal({ serverToken: 'abc123' });
    const { id } = await running.sendOne('bob@b.rcpt.test', { mailFrom: 'k3y@mail.acme.test' });
    await running.postal.idle();
    expect(running.postal.mailbox()).toMatchObject([
      { id, envelope_from: 'abc123@psrp.acme.test', mail_from: 'k3y@mail.acme.test' },
    ]);
    expect(running.postal.delivered(id)?.toString()).not.toContain('k3y');
  });

  test('has CRLF line ends whatever it came with, and is else octet for octet what was sent', async () => {
    await using running = await startTestPostal();
    const sent = htmlMail([], 'línea 1\r\nline 2');
    const { id } = await running.sendOne('bob@b.rcpt.test', { message: sent.replaceAll('\r\n', '\n') });
    await running.postal.idle();
    const [, rest] =
      running.postal
        .delivered(id)
        ?.toString()
        .split(/X-Postal-MsgID: .{16}\r\n/) ?? [];
    expect(rest).toBe(sent);
  });

  test('has its tag from X-Postal-Tag only once the worker took it', async () => {
    await using running = await startTestPostal();
    running.postal.order({ kind: 'delivery-withheld', count: 1 });
    const message = htmlMail(['X-Postal-Tag: spring']);
    const waiting = await running.sendOne('bob@b.rcpt.test', { message });
    const taken = await running.sendOne('ann@b.rcpt.test', { message });
    await running.postal.idle();
    const tags = [waiting, taken].map(async ({ id }) => (await detailsOf(running, id)).tag);
    expect(await Promise.all(tags)).toEqual([null, 'spring']);
  });

  test('that bounced left a report with a status code, which the API shows', async () => {
    await using running = await startTestPostal();
    const { id, token } = await running.sendOne('bounce@b.rcpt.test');
    await running.postal.idle();
    const { data } = JSON.parse(
      (await running.call('messages/message', { id: id + 1, _expansions: true })).text,
    );
    const report = Buffer.from(data.raw_message, 'base64').toString();
    expect(data.details).toMatchObject({ direction: 'incoming', bounce: true });
    expect(report).toContain('Status: 5.1.1');
    expect(report).toContain(`X-Postal-MsgID: ${token}`);
  });
});

describe('a recipient named twice', () => {
  test('gets one row and one mail', async () => {
    await using running = await startTestPostal();
    await running.sendRaw(['a@x.test', 'b@x.test', 'a@x.test']);
    await running.postal.idle();
    expect(
      running.postal
        .mailbox()
        .map(({ to }) => to)
        .toSorted(),
    ).toEqual(['a@x.test', 'b@x.test']);
  });
});

describe('the ledger', () => {
  test('is told of each row in the order Postal writes it', async () => {
    const told: string[] = [];
    const ledger: Ledger = {
      messageStored: async ({ rcptTo }) => void told.push(`stored ${rcptTo}`),
      queued: async ({ rcptTo }) => void told.push(`queued ${rcptTo}`),
      delivered: async ({ rcptTo }, { status }) => void told.push(`${status} ${rcptTo}`),
    };
    await using running = await startTestPostal({}, { ledger });
    running.postal.order({ kind: 'killed-midway', count: 1, recipients: 2 });
    await running.sendRaw(['a@x.test', 'b@x.test']);
    await running.postal.idle();
    expect(told.filter((line) => !line.startsWith('Sent'))).toEqual([
      'stored a@x.test',
      'queued a@x.test',
      'stored b@x.test',
    ]);
    expect(told).toContain('Sent a@x.test');
  });

  test('brings back what an earlier process stored: the queued is delivered, orphans stay, ids go on', async () => {
    const stored = (id: number, queued: boolean): StoredMessage => ({
      id,
      queued,
      token: `token${id}`,
      rcptTo: `r${id}@x.test`,
      mailFrom: 'k@acme.test',
      domain: 'acme.test',
      direction: 'outgoing',
      bounce: false,
      subject: null,
      messageId: null,
      timestamp: 1,
      raw: Buffer.from(htmlMail()),
    });
    const done = async () => undefined;
    const load = async () => [stored(7, true), stored(8, false)];
    await using running = await startTestPostal(
      {},
      { ledger: { load, messageStored: done, queued: done, delivered: done } },
    );
    await running.postal.idle();
    expect(running.postal.rows('k@acme.test').map(({ id, status }) => [id, status])).toEqual([
      [7, 'Sent'],
      [8, 'Pending'],
    ]);
    expect(await running.sendOne('new@x.test')).toMatchObject({ id: 9 });
  });

  test('that fails is a database that fails: 500', async () => {
    const fail = async () => Promise.reject(new Error('gone away'));
    await using running = await startTestPostal(
      {},
      { ledger: { messageStored: fail, queued: fail, delivered: fail } },
    );
    expect(await running.sendRaw(['a@x.test'])).toMatchObject({ status: 500 });
  });
});

describe('memory', () => {
  test('holds the newest messages up to a number', async () => {
    await using running = await startTestPostal({ keep: { messages: 3 } });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await running.sendOne(`${name}@x.test`);
    await running.postal.idle();
    expect(running.postal.mailbox().map(({ to }) => to)).toEqual(['e@x.test', 'd@x.test', 'c@x.test']);
  });

  test('holds the newest messages up to a number of octets, what was delivered counted in', async () => {
    const message = htmlMail([], 'x'.repeat(100_000));
    await using running = await startTestPostal({ keep: { bytes: 500_000 } });
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await running.sendOne(`${name}@x.test`, { message });
      await running.postal.idle();
    }
    expect(running.postal.mailbox().map(({ to }) => to)).toEqual(['e@x.test', 'd@x.test']);
  });

  test('refuses a request body beyond the limit', async () => {
    await using running = await startTestPostal({ maxBodyBytes: 10_000 });
    expect(
      await running.sendRaw(['a@x.test'], { message: htmlMail([], 'x'.repeat(5_000_000)) }),
    ).toMatchObject({
      status: 413,
    });
  });
});

describe("Postal's database refuses", () => {
  test('an address longer than its column, after it has stored those before', async () => {
    await using running = await startTestPostal();
    const answer = await running.sendRaw(['a@x.test', `${'l'.repeat(250)}@x.test`]);
    expect(answer).toMatchObject({ status: 500 });
    expect(await running.control('messages.json')).toMatchObject({ messages: [{ rcpt_to: 'a@x.test' }] });
  });
});

describe('the measured pace', () => {
  test('spaces acceptance and delivery out', async () => {
    const clock = quickClock();
    await using running = await startTestPostal(
      { pace: { acceptPerSecond: 50, deliverPerSecond: 0 } },
      { clock },
    );
    await running.sendRaw(['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test']);
    expect(clock.waits).toEqual([20, 20, 20]);
    await running.control('pace', { acceptPerSecond: 0 });
    await running.sendRaw(['a@x.test', 'b@x.test']);
    expect(clock.waits).toHaveLength(3);
    expect(await running.control('pace', 'measured')).toEqual({ acceptPerSecond: 85, deliverPerSecond: 17 });
  });
});

interface DeliveryRow {
  readonly status: string;
}

async function deliveriesOf(running: TestPostal, id: number): Promise<DeliveryRow[]> {
  return JSON.parse((await running.call('messages/deliveries', { id })).text).data;
}

async function detailsOf(running: TestPostal, id: number) {
  return JSON.parse((await running.call('messages/message', { id, _expansions: ['details'] })).text).data
    .details;
}

async function until(
  running: TestPostal,
  id: number,
  holds: (rows: DeliveryRow[]) => boolean,
): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) if (holds(await deliveriesOf(running, id))) return;
  throw new Error('it never came true');
}

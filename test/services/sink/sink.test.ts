import { Resolver } from 'node:dns/promises';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openSmtp } from '../../../src/adapters/smtp.ts';
import type { DnsRecord } from '../../../src/domain/dns-record.ts';
import { sinkRecords, sinkResolver } from '../../../src/operations/domains/sink-records.ts';
import { runningSink, type TestSink } from './running-sink.ts';

const longKey = `v=DKIM1; t=s; h=sha256; p=${'k'.repeat(400)};`;
const records = [
  { type: 'TXT', name: 'example.com', value: 'v=spf1 a mx include:spf.postal.example.com ~all' },
  { type: 'TXT', name: 'example.com', value: 'postal-verification abc' },
  { type: 'TXT', name: 'postal-ABCDEF._domainkey.example.com', value: longKey },
  { type: 'CNAME', name: 'psrp.example.com', value: 'rp.postal.example.com' },
  { type: 'MX', name: 'rp.postal.example.com', value: '10 postal.example.com' },
  { type: 'A', name: 'postal.example.com', value: '203.0.113.7' },
];

let sink: TestSink;
beforeAll(async () => {
  sink = await runningSink(records, { SINK_MAX_MESSAGE_BYTES: '1KB', SINK_KEEP_MESSAGES: '3' });
});
afterAll(() => sink[Symbol.asyncDispose]());

function resolver(dns = sink.dns): Resolver {
  const one = new Resolver();
  one.setServers([`127.0.0.1:${dns}`]);
  return one;
}

describe('the DNS of the sink', () => {
  it('answers with the records as they are, long ones in pieces that fit together', async () => {
    const dns = resolver();
    expect(await dns.resolveTxt('example.com')).toEqual([
      ['v=spf1 a mx include:spf.postal.example.com ~all'],
      ['postal-verification abc'],
    ]);
    const [pieces = []] = await dns.resolveTxt('postal-ABCDEF._domainkey.example.com');
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(longKey);
    expect(await dns.resolveCname('psrp.example.com')).toEqual(['rp.postal.example.com']);
    expect(await dns.resolveMx('rp.postal.example.com')).toEqual([
      { priority: 10, exchange: 'postal.example.com' },
    ]);
  });

  it('follows an alias to what it stands for', async () => {
    expect(await resolver().resolveMx('psrp.example.com')).toEqual([
      { priority: 10, exchange: 'postal.example.com' },
    ]);
  });

  it.each(['gmail.com', 'example.com', 'deep.sub.example.net'])(
    'sends the mail of %s to itself',
    async (domain) => {
      const [mx] = await resolver().resolveMx(domain);
      expect(mx).toEqual({ priority: 10, exchange: 'sink.invalid' });
      expect(await resolver().resolve4(mx?.exchange ?? '')).toEqual(['127.0.0.1']);
    },
  );

  it('gives no address but its own, also where a record has another', async () => {
    expect(await resolver().resolve4('postal.example.com')).toEqual(['127.0.0.1']);
    await expect(resolver().resolve6('postal.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  it('names itself as the name server of every domain, as Postal asks those of the domain', async () => {
    expect(await resolver().resolveNs('example.com')).toEqual(['sink.invalid']);
  });

  it('answers at once what it has nothing for', async () => {
    await expect(resolver().resolveTxt('nothing.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver().resolvePtr('4.3.2.1.in-addr.arpa')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver().resolveSrv('_smtp._tcp.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  it('takes up records that change, and keeps those it has when the file is broken', async () => {
    await using own = await runningSink([]);
    const ask = () => resolver(own.dns).resolveTxt('example.com');
    await expect(ask()).rejects.toMatchObject({ code: 'ENODATA' });
    await own.writeRecords([{ type: 'TXT', name: 'Example.com', value: 'new' }]);
    expect(await ask()).toEqual([['new']]);
    await own.writeRecords('{ half a file');
    expect(await ask()).toEqual([['new']]);
  });

  it('answers with the file that is rendered for it, in the words of domains records', async () => {
    const record: DnsRecord = {
      type: 'MX',
      name: 'rp.postal.example.com',
      value: '10 postal.example.com',
      why: 'bounces',
    };
    expect(sinkResolver({ SINK_ADDRESS: '10.213.53.53' })).toBe('nameserver 10.213.53.53\n');
    await using own = await runningSink(sinkRecords([record]));
    expect(await resolver(own.dns).resolveMx('rp.postal.example.com')).toEqual([
      { priority: 10, exchange: 'postal.example.com' },
    ]);
  });

  it('does not start without records, as Postal would distrust every domain', async () => {
    await expect(runningSink('{ half a file')).rejects.toMatchObject({
      code: 'config-invalid',
      field: 'SINK_RECORDS_FILE',
    });
  });

  it('stays up whatever octets come', async () => {
    const socket = createSocket('udp4');
    const bytes = [
      [],
      [0],
      Array.from({ length: 12 }, () => 255),
      [...query('example.com'), 0xff].slice(0, 20),
    ];
    for (const packet of bytes) socket.send(Buffer.from(packet), sink.dns, '127.0.0.1');
    const stream = connect(sink.dns, '127.0.0.1');
    stream.end(Buffer.from([0, 3, 1, 2, 3]));
    stream.resume();
    await once(stream, 'close');
    socket.send(query('example.com'), sink.dns, '127.0.0.1');
    const [reply] = (await once(socket, 'message')) as [Buffer];
    expect(reply.readUInt16BE(0)).toBe(0x12_34);
    socket.close();
  });

  it('says over UDP that an answer is too long, and gives it over TCP', async () => {
    await using own = await runningSink(
      Array.from({ length: 20 }, (_, index) => ({
        type: 'TXT',
        name: 'big.example.com',
        value: `${index} ${'x'.repeat(90)}`,
      })),
    );
    const socket = createSocket('udp4');
    socket.send(query('big.example.com'), own.dns, '127.0.0.1');
    const [reply] = (await once(socket, 'message')) as [Buffer];
    socket.close();
    expect(reply.readUInt16BE(2) & 0x02_00).toBe(0x02_00);
    expect(await resolver(own.dns).resolveTxt('big.example.com')).toHaveLength(20);
  });
});

function query(name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 16, 0, 1]);
}

async function send(to: readonly string[], raw: string, from = 'a@example.com') {
  await using smtp = await openSmtp({ host: '127.0.0.1', port: sink.smtp, timeoutMs: 10_000 });
  await smtp.say('EHLO test');
  await smtp.say(`MAIL FROM:<${from}> SIZE=10`);
  for (const one of to) await smtp.say(`RCPT TO:<${one}>`);
  const { code } = await smtp.say('DATA');
  return code === 354 ? await smtp.sendMessage(Buffer.from(raw)) : { code, lines: [] };
}

async function listed(query: string): Promise<readonly Record<string, unknown>[]> {
  const { messages } = (await (await fetch(`${sink.mailbox}/mailbox.json?${query}`)).json()) as {
    messages: Record<string, unknown>[];
  };
  return messages;
}

describe('the mail server of the sink', () => {
  it('takes mail for anybody, and shows it octet for octet in the words of the end-to-end check', async () => {
    const raw =
      'Message-ID: <one@example.com>\r\nX-Postal-Tag: spring\r\nSubject: a\r\n folded one\r\nFrom: A <a@example.com>\r\n\r\n..dots\r\n.\u00fc\r\n';
    expect((await send(['x@gmail.com', 'y@example.net'], raw)).code).toBe(250);
    const [mail, ...others] = await listed('to=x%40gmail.com&message_id=one%40example.com');
    expect(others).toEqual([]);
    expect(mail).toMatchObject({
      to: 'x@gmail.com',
      envelope_from: 'a@example.com',
      from: 'A <a@example.com>',
      subject: 'a folded one',
      tag: 'spring',
      message_id: 'one@example.com',
    });
    const eml = await fetch(`${sink.mailbox}/mailbox/${String(mail?.['id'])}.eml`);
    expect(await eml.text()).toBe(raw);
    expect(await listed('to=y%40example.net')).toHaveLength(1);
  });

  it('keeps the newest, and no more than it may', async () => {
    for (const subject of ['1', '2', '3', '4'])
      await send(['many@example.net'], `Subject: ${subject}\r\n\r\nx\r\n`, '');
    expect((await listed('to=many%40example.net')).map((mail) => mail['subject'])).toEqual(['4', '3', '2']);
    expect((await listed('')).length).toBe(3);
  });

  it('refuses what is too large, and what comes out of order, and goes on', async () => {
    expect((await send(['x@example.net'], `Subject: big\r\n\r\n${'x'.repeat(2000)}\r\n`)).code).toBe(552);
    expect((await send([], 'Subject: none\r\n\r\n')).code).toBe(503);
    await using smtp = await openSmtp({ host: '127.0.0.1', port: sink.smtp, timeoutMs: 10_000 });
    expect((await smtp.say('RCPT TO:<a@example.com>')).code).toBe(503);
    expect((await smtp.say('MAIL FROM:nobody')).code).toBe(501);
    expect((await smtp.say('constructor')).code).toBe(502);
    expect((await smtp.say('QUIT')).code).toBe(221);
  });

  it('ends a connection that sends a line without end', async () => {
    const socket = connect(sink.smtp, '127.0.0.1');
    socket.on('error', () => undefined);
    let said = '';
    socket.on('data', (chunk) => {
      said += String(chunk);
    });
    socket.write('x'.repeat(10_000));
    await once(socket, 'close');
    expect(said).toContain('500 5.5.2');
  });

  it('shows a page in which no message can do anything, and is emptied on request', async () => {
    await send(['x@example.net'], 'Subject: <script>alert(1)</script>\r\n\r\nx\r\n');
    const page = await (await fetch(sink.mailbox)).text();
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('<script>');
    expect((await fetch(`${sink.mailbox}/mailbox.json`, { method: 'DELETE' })).status).toBe(204);
    expect(await listed('')).toEqual([]);
    expect((await fetch(`${sink.mailbox}/mailbox/1.eml`)).status).toBe(404);
    expect((await fetch(`${sink.mailbox}/`, { method: 'POST' })).status).toBe(405);
  });

  it('publishes the DKIM keys of the records, counts what it took, and says that it is well', async () => {
    const { records: keys } = (await (await fetch(`${sink.mailbox}/dkim.json`)).json()) as {
      records: unknown[];
    };
    expect(keys).toEqual([expect.objectContaining({ value: longKey })]);
    expect((await fetch(`${sink.health}/health/ready`)).status).toBe(200);
    expect(await (await fetch(`${sink.health}/metrics`)).text()).toMatch(
      /^mailctl_sink_messages_total\{.*\} \d/m,
    );
  });
});

import { connect as connectTls } from 'node:tls';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readProxyHeader } from '../../../src/services/relay/proxy-header.ts';
import { annPlain, runDoor } from './running-door.ts';
import { dial } from './smtp-client.ts';

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

function binary(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([command, family, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([signature, head, body]);
}

const ipv4 = Buffer.from([192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 25]);
const ipv6 = Buffer.concat([Buffer.from('20010db8000000000000000000000007', 'hex'), Buffer.alloc(20)]);

describe('the header of a proxy', () => {
  it.each<[Buffer, string | undefined]>([
    [Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 4660 25\r\n'), '192.0.2.7'],
    [Buffer.from('PROXY TCP6 2001:db8::7 ::1 4660 25\r\n'), '2001:db8::7'],
    [Buffer.from('PROXY UNKNOWN\r\n'), undefined],
    [Buffer.from('PROXY UNKNOWN a b c d\r\n'), undefined],
    [binary(0x21, 0x11, ipv4), '192.0.2.7'],
    [binary(0x21, 0x11, Buffer.concat([ipv4, Buffer.alloc(9)])), '192.0.2.7'],
    [binary(0x21, 0x21, ipv6), '2001:db8:0:0:0:0:0:7'],
    [binary(0x20, 0, Buffer.alloc(0)), undefined],
  ])('%s names the client, wherever it is cut', (header, address) => {
    const octets = Buffer.concat([header, Buffer.from('EHLO x\r\n')]);

    expect(readProxyHeader(octets)).toEqual({ state: 'read', address, rest: Buffer.from('EHLO x\r\n') });
    for (let cut = 0; cut < header.length; cut += 1) {
      expect(readProxyHeader(header.subarray(0, cut))).toEqual({ state: 'more' });
    }
  });

  it.each([
    Buffer.from('EHLO app.example.com\r\n'),
    Buffer.from('PROXY TCP4 2001:db8::7 ::1 4660 25\r\n'),
    Buffer.from('PROXY TCP4 192.0.2.7\r\n'),
    Buffer.from(`PROXY ${'x'.repeat(110)}`),
    binary(0x31, 0x11, ipv4),
    binary(0x21, 0x12, ipv4),
    binary(0x21, 0x11, ipv4.subarray(0, 8)),
    binary(0x21, 0x11, Buffer.alloc(3_000)),
  ])('%s is none', (octets) => {
    expect(readProxyHeader(octets)).toEqual({ state: 'bad' });
  });

  it('is never more than its limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2_100, maxLength: 2_200 }), (octets) => {
        expect(readProxyHeader(Buffer.from(octets)).state).not.toBe('more');
      }),
    );
  });
});

describe('behind a proxy', () => {
  const message = `MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nFrom: ann@example.com\r\n\r\n.\r\nQUIT\r\n`;
  const session = `EHLO app.example.com\r\nAUTH PLAIN ${annPlain}\r\n${message}`;

  it('the client is who the proxy says, in plain text and before TLS', async () => {
    await using running = await runDoor({ RELAY_PROXY_FROM: '127.0.0.0/8' });
    const plain = await dial(running.door.addresses['private'] ?? { host: '', port: 0 });
    plain.send('PROXY TCP4 192.0.2.7 10.0.0.1 4660 25\r\n');
    await plain.reply();
    plain.send(session);
    expect(await plain.closed()).toContain('queued as');
    const raw = await dial(running.door.addresses['tls'] ?? { host: '', port: 0 });
    raw.send(binary(0x21, 0x11, ipv4));
    const secure = connectTls({ socket: raw.socket, rejectUnauthorized: false });
    secure.end(session);
    let heard = '';
    for await (const octets of secure) heard += String(octets);

    expect(heard).toContain('queued as');
    expect(running.kept.map(({ client }) => client.address)).toEqual(['192.0.2.7', '192.0.2.7']);
  });

  it('takes a header and what follows it in one piece', async () => {
    await using running = await runDoor({ RELAY_PROXY_FROM: '127.0.0.1', RELAY_GREETING_DELAY: '10s' });
    const client = await dial(running.door.addresses['private'] ?? { host: '', port: 0 });
    client.send('PROXY TCP4 192.0.2.7 10.0.0.1 4660 25\r\nEHLO early.example.com\r\n');

    expect(await client.closed()).toMatch(/^554 5\.5\.1 /);
  });

  it.each([
    ['says nothing', { RELAY_PROXY_FROM: '127.0.0.1', RELAY_TLS_HANDSHAKE_TIMEOUT: '60ms' }, ''],
    ['speaks SMTP', { RELAY_PROXY_FROM: '127.0.0.1' }, 'EHLO app.example.com\r\n'],
    ['is not known', { RELAY_PROXY_FROM: '10.0.0.0/8' }, 'PROXY TCP4 192.0.2.7 10.0.0.1 4660 25\r\n'],
  ])('drops a peer that %s', async (_, variables, said) => {
    await using running = await runDoor(variables);
    const client = await dial(running.door.addresses['private'] ?? { host: '', port: 0 });
    client.send(said);

    expect(await client.closed()).toBe('');
    client.socket.destroy();
    expect(running.kept).toEqual([]);
  });
});

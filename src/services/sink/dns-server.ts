import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';

import type { Listen } from '../../config/shapes.ts';
import { listeningAt, type Running } from '../running.ts';
import { type DnsAnswer, type DnsQuestion, readDnsQuery, writeDnsReply } from './dns-message.ts';

export interface DnsOptions {
  readonly listen: Listen;
  readonly ttlSeconds: number;
  readonly idleMs: number;
  readonly answer: (question: DnsQuestion) => Promise<readonly DnsAnswer[]>;
}

/** Answers DNS over UDP and TCP at the same port; what is no query is not answered. */
export async function startDns(options: DnsOptions): Promise<Running> {
  const tcp = createServer((socket) => serveStream(socket, options));
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen(options.listen.port, options.listen.host, resolve);
  });
  const address = listeningAt(tcp.address());
  const open = new Set<Socket>();
  tcp.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const udp = createSocket(options.listen.host.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (packet, { address: host, port }) => {
    replyTo(packet, 'udp', options).then(
      (reply) => reply && udp.send(reply, port, host),
      () => undefined,
    );
  });
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind(address.port, options.listen.host, () => resolve());
  });
  udp.on('error', () => undefined);
  return {
    addresses: { dns: address },
    stop: async () => {
      for (const socket of open) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => {
          udp.close(() => resolve());
        }),
        new Promise<void>((resolve) => {
          tcp.close(() => resolve());
        }),
      ]);
    },
  };
}

async function replyTo(
  packet: Uint8Array,
  over: 'udp' | 'tcp',
  { answer, ttlSeconds }: DnsOptions,
): Promise<Buffer | undefined> {
  const query = readDnsQuery(packet);
  return query && writeDnsReply(query, await answer(query.question), { ttlSeconds, over });
}

/** Over TCP each message has its length in front (RFC 1035 §4.2.2). */
function framed(reply: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(reply.length, 0);
  return Buffer.concat([length, reply]);
}

function serveStream(socket: Socket, options: DnsOptions): void {
  let waiting = Buffer.alloc(0);
  socket.setTimeout(options.idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const packet = waiting.subarray(2, 2 + waiting.readUInt16BE(0));
      waiting = waiting.subarray(2 + packet.length);
      replyTo(packet, 'tcp', options).then(
        (reply) => (reply ? socket.write(framed(reply)) : socket.destroy()),
        () => socket.destroy(),
      );
    }
  });
}

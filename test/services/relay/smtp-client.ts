import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Listening } from '../../../src/services/running.ts';

/** A client that says exactly what it is told to. */
export interface SmtpClient {
  socket: Socket;
  send(octets: string | Uint8Array): void;
  /** The next whole reply, all its lines; fails when the connection ends or nothing comes in time. */
  reply(): Promise<string>;
  /** Sends a line and waits for its reply. */
  ask(line: string): Promise<string>;
  startTls(): Promise<void>;
  /** All that was heard and not asked for, once the server has closed. */
  closed(withinMs?: number): Promise<string>;
}

const usualMs = 5_000;
const wholeReply = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/;

/** Connects in plain text, or with TLS from the first octet; certificates are not checked. */
export async function dial(
  to: Listening,
  how: 'plain' | 'tls' = 'plain',
  patienceMs = usualMs,
): Promise<SmtpClient> {
  const host = to.host;
  const socket =
    how === 'tls'
      ? connectTls({ host, port: to.port, rejectUnauthorized: false })
      : connect({ host, port: to.port, noDelay: true, allowHalfOpen: true });
  return clientOn(socket, patienceMs);
}

function clientOn(socket: Socket, patienceMs: number): SmtpClient {
  const heard = listenTo(socket);
  const client: SmtpClient = {
    socket,
    send: (octets) => void client.socket.write(octets),
    reply: () => heard.until((text) => wholeReply.exec(text)?.[0], patienceMs),
    ask: (line) => {
      client.send(`${line}\r\n`);
      return client.reply();
    },
    startTls: async () => {
      heard.leave();
      client.socket = connectTls({ socket: client.socket, rejectUnauthorized: false });
      heard.follow(client.socket);
      await new Promise<void>((resolve, reject) => {
        client.socket.once('secureConnect', resolve);
        client.socket.once('error', reject);
        client.socket.once('close', () => reject(new Error('closed in the handshake')));
      });
    },
    closed: (withinMs) => heard.until((text, isOver) => (isOver ? text : undefined), withinMs),
  };
  return client;
}

function listenTo(first: Socket) {
  let socket = first;
  let text = '';
  let isOver = false;
  let look = () => {};
  const hear = (octets: Buffer) => {
    text += octets.toString('latin1');
    look();
  };
  const end = () => {
    isOver = true;
    look();
  };
  const follow = (next: Socket) => {
    socket = next;
    socket
      .on('data', hear)
      .on('end', end)
      .on('close', end)
      .on('error', () => undefined);
  };
  follow(first);
  return {
    follow,
    leave: () => void socket.off('data', hear).off('end', end).off('close', end),
    until: (wanted: (text: string, isOver: boolean) => string | undefined, withinMs = usualMs) =>
      new Promise<string>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`still waiting, heard: ${text}`)), withinMs);
        look = () => {
          const found = wanted(text, isOver);
          if (found === undefined && !isOver) return;
          clearTimeout(timer);
          look = () => {};
          text = text.slice(found?.length ?? 0);
          if (found === undefined) reject(new Error(`the connection ended, heard: ${text}`));
          else resolve(found);
        };
        look();
      }),
  };
}

import { createServer, type Socket } from 'node:net';

import type { Listen } from '../../config/shapes.ts';
import { listeningAt, type Running } from '../running.ts';
import { openSinkSession, type TakenMail } from './smtp-session.ts';

export interface SinkSmtpOptions {
  readonly listen: Listen;
  readonly mostBytes: number;
  readonly mostConnections: number;
  readonly idleMs: number;
  readonly take: (mail: TakenMail) => void;
}

/** Takes mail for everybody. */
export async function startSinkSmtp(options: SinkSmtpOptions): Promise<Running> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    converse(socket, options);
  });
  server.maxConnections = options.mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  return {
    addresses: { smtp: listeningAt(server.address()) },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function converse(socket: Socket, { mostBytes, idleMs, take }: SinkSmtpOptions): void {
  const session = openSinkSession(mostBytes, take);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.write(session.greeting);
  socket.on('data', (octets) => {
    const { reply, end } = session.hear(octets);
    if (end) socket.end(reply);
    else if (reply !== '') socket.write(reply);
  });
}

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

import { describe, expect, it } from 'vitest';

import { openSmtp } from '../../src/adapters/smtp.ts';

/** A server that agrees to STARTTLS and then does this instead of shaking hands. */
async function agreeingServer(then: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('220 ready\r\n');
    socket.once('data', () => {
      socket.write('220 go ahead\r\n');
      socket.once('data', () => then(socket));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('STARTTLS that comes to nothing', () => {
  it.each([
    ['is cut off', (socket: Socket) => socket.resetAndDestroy(), 'unreachable'],
    ['is never answered', () => undefined, 'timed-out'],
    ['speaks no TLS', (socket: Socket) => socket.write('500 what?\r\n'), 'unreachable'],
  ])('is not blamed on the certificate where it %s', async (_, then, code) => {
    using server = await agreeingServer(then);
    await using smtp = await openSmtp({ host: '127.0.0.1', port: server.port, timeoutMs: 500 });
    await smtp.say('STARTTLS');
    await expect(smtp.startTls({ serverName: 'relay.test', ca: undefined })).rejects.toMatchObject({ code });
  });
});

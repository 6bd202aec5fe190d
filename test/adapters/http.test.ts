import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net';

import { describe, expect, it } from 'vitest';

import { type HttpOptions, openHttp } from '../../src/adapters/http.ts';

const options: HttpOptions = {
  connections: 2,
  connectTimeoutMs: 1000,
  mostAnswerBytes: 1000,
  keepAlive: false,
};

async function serving(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return closable(server.address() as AddressInfo, () => {
    server.close();
    server.closeAllConnections();
  });
}

async function accepting(accept: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createPlainServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return closable(server.address() as AddressInfo, () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}

function closable({ port }: AddressInfo, close: () => void) {
  return { port, url: `http://127.0.0.1:${port}/`, [Symbol.dispose]: close };
}

describe('an exchange over HTTP', () => {
  it('sends the Host it is told, whatever the URL says', async () => {
    using server = await serving((request, response) => response.end(request.headers.host));
    await using http = openHttp(options);

    const ended = await http.exchange({
      method: 'GET',
      url: server.url,
      headers: { host: 'postal.example.test' },
      withinMs: 1000,
    });

    expect(ended.end === 'answered' && ended.body.toString()).toBe('postal.example.test');
  });

  it('sends nothing over a connection that was ready only after a freeze longer than connecting may take', async () => {
    let bytes = 0;
    using server = await accepting((socket) => {
      socket.on('data', (part) => {
        bytes += part.length;
      });
    });
    await using http = openHttp({ ...options, connectTimeoutMs: 50 });

    const ending = http.exchange({ method: 'POST', url: server.url, body: 'x', withinMs: 1000 });
    await new Promise(process.nextTick);
    const awakeMs = performance.now() + 200;
    while (performance.now() < awakeMs);

    expect(await ending).toMatchObject({ end: 'not-sent' });
    expect(bytes).toBe(0);
  });

  it('follows no redirect', async () => {
    let asked = 0;
    using server = await serving((_, response) => {
      asked += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await using http = openHttp(options);

    const ended = await http.exchange({ method: 'POST', url: server.url, body: 'x', withinMs: 1000 });

    expect(ended).toMatchObject({ end: 'answered', status: 302 });
    expect(asked).toBe(1);
  });

  it('is known not to have been sent when nobody listens', async () => {
    const server = await serving((_, response) => response.end());
    server[Symbol.dispose]();
    await using http = openHttp(options);

    expect(await http.exchange({ method: 'POST', url: server.url, body: 'x', withinMs: 1000 })).toMatchObject(
      {
        end: 'not-sent',
        forbidden: false,
      },
    );
  });

  it('is known not to have been sent when the name does not exist or TLS fails', async () => {
    using server = await serving((_, response) => response.end());
    await using http = openHttp(options);

    const tls = await http.exchange({
      method: 'POST',
      url: `https://127.0.0.1:${server.port}/`,
      body: 'x',
      withinMs: 1000,
    });
    const name = await http.exchange({
      method: 'POST',
      url: 'http://nowhere.invalid/',
      body: 'x',
      withinMs: 1000,
    });

    expect([tls.end, name.end]).toEqual(['not-sent', 'not-sent']);
  });

  it.each([
    ['closed once the request was there', (socket: Socket) => socket.once('data', () => socket.destroy())],
    [
      'closed in the middle of the answer',
      (socket: Socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc')),
    ],
    [
      'answered with something else than HTTP',
      (socket: Socket) => socket.once('data', () => socket.end('220 smtp ready\r\n')),
    ],
  ])('has no answer when the connection was %s', async (_, accept) => {
    using server = await accepting(accept);
    await using http = openHttp(options);

    expect(await http.exchange({ method: 'POST', url: server.url, body: 'x', withinMs: 1000 })).toMatchObject(
      { end: 'no-answer' },
    );
  });

  it('has no answer when its time is over, before the head or within the body', async () => {
    using silent = await serving(() => undefined);
    using slow = await serving((_, response) => response.writeHead(200).write('a'));
    await using http = openHttp(options);

    const ends = await Promise.all(
      [silent.url, slow.url].map((url) => http.exchange({ method: 'POST', url, body: 'x', withinMs: 100 })),
    );

    expect(ends).toEqual(
      Array.from({ length: 2 }, () => ({ end: 'no-answer', why: 'no complete answer within 100 ms' })),
    );
  });

  it('does not read more of an answer than it may', async () => {
    using server = await serving((_, response) => response.end('a'.repeat(1001)));
    await using http = openHttp(options);

    expect(await http.exchange({ method: 'GET', url: server.url, withinMs: 1000 })).toEqual({
      end: 'no-answer',
      why: 'the answer is longer than 1000 bytes',
    });
  });

  it('has a connection of its own unless connections are kept', async () => {
    using server = await serving((request, response) => response.end(String(request.socket.remotePort)));
    const ask = async (keepAlive: boolean) => {
      await using http = openHttp({ ...options, connections: 1, keepAlive });
      const ports: string[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const ended = await http.exchange({ method: 'GET', url: server.url, withinMs: 1000 });
        ports.push(ended.end === 'answered' ? ended.body.toString() : ended.end);
      }
      return new Set(ports).size;
    };

    expect(await ask(false)).toBe(3);
    expect(await ask(true)).toBe(1);
  });
});

describe('a client that may not connect everywhere', () => {
  const nowhere = { ...options, mayConnect: () => false };

  it.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]', 'http://2130706433', 'http://0x7f.1'])(
    'sends nothing to %s',
    async (origin) => {
      let asked = 0;
      using server = await serving((_, response) => {
        asked += 1;
        response.end();
      });
      await using http = openHttp(nowhere);

      const ended = await http.exchange({
        method: 'POST',
        url: `${origin}:${server.port}/`,
        body: 'x',
        withinMs: 1000,
      });

      expect(ended).toMatchObject({ end: 'not-sent', forbidden: true });
      expect(asked).toBe(0);
    },
  );

  it('is not let in by an answer of the DNS that was good before: each connection is asked about anew', async () => {
    let asked = 0;
    using server = await serving((_, response) => {
      asked += 1;
      response.end();
    });
    let isPublic = true;
    await using http = openHttp({ ...options, keepAlive: false, mayConnect: () => isPublic });
    const post = () =>
      http.exchange({ method: 'POST', url: `http://localhost:${server.port}/`, body: 'x', withinMs: 1000 });

    expect(await post()).toMatchObject({ end: 'answered' });
    isPublic = false;
    expect(await post()).toMatchObject({ end: 'not-sent', forbidden: true });
    expect(asked).toBe(1);
  });

  it('is asked about the address that the name has when it connects, not about the name', async () => {
    const seen: string[] = [];
    using server = await serving((_, response) => response.end());
    await using http = openHttp({
      ...options,
      mayConnect: (address) => {
        seen.push(address);
        return address === '127.0.0.1';
      },
    });

    const ended = await http.exchange({
      method: 'GET',
      url: `http://localhost:${server.port}/`,
      withinMs: 1000,
    });

    expect(ended).toMatchObject({ end: 'answered', status: 200 });
    expect(seen).toContain('127.0.0.1');
    expect(seen).not.toContain('localhost');
  });
});

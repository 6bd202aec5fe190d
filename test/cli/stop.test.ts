import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { envText } from '../config/valid-sources.ts';
import { runInProcess } from '../fakes/terminal.ts';
import { temporaryFolder } from './folders.ts';

/** A database that takes connections and never answers. */
async function silentServer() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a port has no number');
  return {
    port: address.port,
    connected: once(server, 'connection'),
    [Symbol.dispose]: () => void server.close(),
  };
}

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('%s', (signal, expected) => {
  it.each([['status'], ['migrate']])('ends a db %s that waits for an answer at once', async (verb) => {
    using folder = temporaryFolder();
    using server = await silentServer();
    const env = envText({
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(server.port),
      POSTGRES_CONNECT_TIMEOUT: '2s',
    });
    writeFileSync(join(folder.path, '.env'), env, { mode: 0o600 });
    const stop = new AbortController();
    const running = runInProcess(['-C', folder.path, 'db', verb, '--json'], {}, stop.signal);
    await server.connected;
    stop.abort(signal);
    const { exit, out } = await running;
    expect(exit).toBe(expected);
    expect(JSON.parse(out).error).toMatchObject({ code: 'interrupted', exit: expected });
  });
});

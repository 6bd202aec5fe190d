import { once } from 'node:events';
import { connect } from 'node:net';

import { z } from 'zod';

import { askForEngine } from './engine.ts';
import { redisDatabases } from './redis-address.ts';

const addressShape = z.object({ path: z.string() });

/** An empty Redis database of a test's own, in the words of ioredis; disposing empties it. */
export interface TestRedis extends AsyncDisposable {
  readonly address: { readonly path: string; readonly db: number };
}

/** A database on the real Redis of this run: `await using redis = await testRedis()`. */
export async function testRedis(): Promise<TestRedis> {
  const { address, turn } = await askForEngine('redis', addressShape);
  const db = turn % redisDatabases;
  await empty(address.path, db);
  return { address: { path: address.path, db }, [Symbol.asyncDispose]: () => empty(address.path, db) };
}

async function empty(path: string, db: number): Promise<void> {
  const socket = connect(path);
  socket.end(`SELECT ${db}\r\nFLUSHDB\r\nQUIT\r\n`).resume();
  await once(socket, 'close');
}

// The least that may call itself a receiver of Postal's webhooks: it verifies, stores what waits in one statement, and answers.
import { createPublicKey, verify } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import pg from 'pg';

interface Waiting {
  readonly body: Buffer;
  readonly uuid: string;
  readonly event: string;
  readonly response: ServerResponse;
}

const env = (name: string): string => process.env[name] ?? '';
const key = createPublicKey(env('PUBLIC_KEY'));
const pool = new pg.Pool({
  host: env('POSTGRES_HOST'),
  port: Number(env('POSTGRES_PORT')),
  database: env('POSTGRES_DATABASE'),
  user: env('POSTGRES_USER'),
  password: env('POSTGRES_PASSWORD'),
  max: 1,
});
const insertion = `
insert into postal_webhooks (uuid, event, body, state)
select uuid, event, substring($5::bytea from start + 1 for size), 'new'
from unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[]) as t (uuid, event, start, size)
on conflict (uuid) do nothing`;

let waiting: Waiting[] = [];
let storing = false;

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => take(Buffer.concat(pieces), request.headers['x-postal-signature-256'], response));
});

function take(body: Buffer, signature: string | string[] | undefined, response: ServerResponse): void {
  if (!verify('RSA-SHA256', body, key, Buffer.from(String(signature), 'base64'))) {
    response.writeHead(401).end();
    return;
  }
  const { uuid, event } = JSON.parse(body.toString()) as Pick<Waiting, 'uuid' | 'event'>;
  waiting.push({ body, uuid, event, response });
  if (!storing) void storeAll();
}

async function storeAll(): Promise<void> {
  storing = true;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    await pool.query({ name: 'insertion', text: insertion, values: valuesOf(batch) });
    for (const { response } of batch) response.writeHead(200, { 'content-length': 2 }).end('ok');
  }
  storing = false;
}

function valuesOf(batch: readonly Waiting[]) {
  let end = 0;
  return [
    batch.map(({ uuid }) => uuid),
    batch.map(({ event }) => event),
    batch.map(({ body }) => (end += body.length) - body.length),
    batch.map(({ body }) => body.length),
    Buffer.concat(batch.map(({ body }) => body)),
  ];
}

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address() as AddressInfo)));

import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { HttpEnd } from '../../../src/adapters/http.ts';
import { type ApiUnderTest, countOf, runningApi, signing, webhookToken } from './running-api.ts';
import { post, postalEvent, type Signed, signed } from './signed-webhook.ts';

const recorded = join(import.meta.dirname, '../../contracts/fixtures/postal');
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_FAILURE_LIMIT: '100000', POSTAL_WEBHOOK_MAX_BYTES: '8KB' });
});
afterAll(() => api[Symbol.asyncDispose]());

async function countedAs(result: string, from: ApiUnderTest = api): Promise<number> {
  const text = await (await fetch(`${from.health}/metrics`)).text();
  return Number(
    new RegExp(`^mailctl_webhook_in_total\\{result="${result}"[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1],
  );
}

describe('a genuine webhook', () => {
  it('is stored octet by octet before it is answered, and counted', async () => {
    const before = await countedAs('accepted');
    const webhook = signed(postalEvent({ note: '\u003c\u2028' }));
    expect(await post(api, webhook)).toBe(200);
    const [row] = await api.db.query(
      'select body, event, state from postal_webhooks order by received_at desc limit 1',
    );
    expect(row).toEqual({ body: webhook.body, event: 'MessageSent', state: 'new' });
    expect(await countedAs('accepted')).toBe(before + 1);
  });

  it('that comes again is answered 200, counted as replayed, and changes nothing', async () => {
    const webhook = signed(postalEvent());
    await post(api, webhook);
    const [before, replayed] = [await countOf(api.db, 'postal_webhooks'), await countedAs('replayed')];
    expect(await post(api, webhook)).toBe(200);
    expect(await countOf(api.db, 'postal_webhooks')).toBe(before);
    expect(await countedAs('replayed')).toBe(replayed + 1);
  });

  it('sent many times at once is stored once', async () => {
    const webhook = signed(postalEvent());
    const [before, accepted] = [await countOf(api.db, 'postal_webhooks'), await countedAs('accepted')];
    const statuses = await Promise.all(Array.from({ length: 30 }, () => post(api, webhook)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await countOf(api.db, 'postal_webhooks')).toBe(before + 1);
    expect(await countedAs('accepted')).toBe(accepted + 1);
  });

  it('that cannot be understood is kept for the operator, not for the worker', async () => {
    const before = await countedAs('quarantined');
    const bodies = [
      Buffer.from('no json'),
      Buffer.from([0xff, 0x00]),
      postalEvent({ uuid: 'none' }),
      postalEvent({ event: 'a\u0000b' }),
      Buffer.from('[]'),
    ];
    for (const body of bodies) expect(await post(api, signed(body))).toBe(200);
    expect(await countedAs('quarantined')).toBe(before + bodies.length);
    const rows = await api.db.query(`select reason from postal_webhooks where state = 'quarantined'`);
    expect(rows).toHaveLength(bodies.length);
  });

  it('is taken however long ago or far ahead it says it was: no window drops a late retry', async () => {
    for (const timestamp of [0, 1_000_000_000.5, 4_000_000_000])
      expect(await post(api, signed(postalEvent({ timestamp })))).toBe(200);
  });

  it('may come with any content type, because only its octets count', async () => {
    const { body, headers } = signed(postalEvent());
    expect(await post(api, { body, headers: { ...headers, 'content-type': 'text/plain' } })).toBe(200);
  });
});

/** The request as it goes on the wire. */
function onTheWire({ body, headers }: Signed, token = webhookToken): Buffer {
  const fields = { host: 'a', 'content-length': String(body.length), ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`POST /webhooks/postal/${token} HTTP/1.1\r\n${lines.join('')}\r\n`),
    body,
  ]);
}

/** The status lines of the answers to these octets, each piece sent once the one before has arrived. */
async function statusesOf(
  pieces: readonly Uint8Array[],
  count: number,
  to: ApiUnderTest = api,
): Promise<readonly string[]> {
  const socket = connect({ port: Number(new URL(to.url).port), host: '127.0.0.1', noDelay: true });
  for (const piece of pieces) await new Promise((sent) => socket.write(piece, sent));
  let heard = '';
  for await (const piece of socket) {
    heard += String(piece);
    const statuses = [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
    if (statuses.length === count) return statuses;
  }
  throw new Error(`the connection ended after: ${heard}`);
}

describe('on the wire a webhook', () => {
  it('may come octet by octet, or in chunks', async () => {
    const whole = onTheWire(signed(postalEvent()));
    const octets = Array.from(whole, (octet) => Uint8Array.of(octet));
    expect(await statusesOf(octets, 1)).toEqual(['200']);
    const { body, headers } = signed(postalEvent());
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `POST /webhooks/postal/${webhookToken} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n${lines.join('')}\r\n`;
    const chunk = `${body.length.toString(16)}\r\n${body.toString()}\r\n0\r\n\r\n`;
    expect(await statusesOf([Buffer.from(head + chunk)], 1)).toEqual(['200']);
  });

  it('may follow others on its connection, genuine and forged, and each has its own answer', async () => {
    const [one, other] = [signed(postalEvent()), signed(postalEvent())];
    const forged = { ...one, body: postalEvent() };
    const before = await countOf(api.db, 'postal_webhooks');
    const pieces = Buffer.concat([
      onTheWire(one),
      onTheWire(forged),
      onTheWire(other, 'x'.repeat(48)),
      onTheWire(other),
      onTheWire({ ...one, body: Buffer.alloc(0) }),
      onTheWire(one),
    ]);
    expect(await statusesOf([pieces], 6)).toEqual(['200', '403', '404', '200', '403', '200']);
    expect(await countOf(api.db, 'postal_webhooks')).toBe(before + 2);
  });

  it('that is cut off half-way, or does not arrive in time, is not stored', async () => {
    await using hurried = await runningApi({ API_REQUEST_TIMEOUT: '200ms' });
    const whole = onTheWire(signed(postalEvent()));
    expect(await statusesOf([whole.subarray(0, -5)], 1, hurried)).toEqual(['408']);
    const socket = connect(Number(new URL(hurried.url).port), '127.0.0.1');
    await new Promise((sent) => socket.write(whole.subarray(0, -5), sent));
    socket.destroy();
    expect(await post(hurried, signed(postalEvent()))).toBe(200);
    expect(await countOf(hurried.db, 'postal_webhooks')).toBe(1);
  });

  it('is counted among the answered requests, whatever the answer', async () => {
    await using counting = await runningApi();
    await post(counting, signed(postalEvent()));
    await post(counting, { ...signed(postalEvent()), body: postalEvent() });
    const text = await (await fetch(`${counting.health}/metrics`)).text();
    const counts = [
      ...text.matchAll(/^mailctl_http_requests_total\{.*route="([^"]*)".*status="(\d+)".*\} (\d+)$/gm),
    ];
    expect(counts.map(([, ...found]) => found)).toEqual([
      ['/webhooks/postal/:token', '200', '1'],
      ['/webhooks/postal/:token', '403', '1'],
    ]);
    expect(text).toMatch(/^mailctl_http_request_seconds_count\{.*route="\/webhooks\/postal\/:token".*\} 2$/m);
  });
});

describe('a webhook that is not genuine', () => {
  const genuine = () => signed(postalEvent());
  const without = (name: string): Signed => {
    const { body, headers } = genuine();
    return { body, headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) };
  };
  const cases: readonly [string, () => Signed, { status: number; result: string; token?: string }][] = [
    ['with a wrong token', genuine, { status: 404, result: 'wrong_token', token: 'x'.repeat(48) }],
    [
      'with an empty body',
      () => ({ ...genuine(), body: Buffer.alloc(0) }),
      { status: 403, result: 'forged' },
    ],
    ['without a signature', () => without('x-postal-signature-256'), { status: 403, result: 'forged' }],
    ['without the name of a key', () => without('x-postal-signature-kid'), { status: 403, result: 'forged' }],
    ['signed by a foreign key', () => signed(postalEvent(), foreign), { status: 403, result: 'unknown_key' }],
    [
      'signed by a foreign key under the right name',
      () => ({ ...genuine(), body: postalEvent() }),
      { status: 403, result: 'forged' },
    ],
    [
      'that is truncated',
      () => {
        const { body, headers } = genuine();
        return { body: body.subarray(0, -1), headers };
      },
      { status: 403, result: 'forged' },
    ],
    [
      'that was parsed and written again',
      () => {
        const { headers } = signed(Buffer.from(postalEvent().toString().replace('{', '{ ')));
        return { body: postalEvent(), headers };
      },
      { status: 403, result: 'forged' },
    ],
    [
      'with the SHA-1 signature in place of the other',
      () => {
        const { body, headers } = genuine();
        return {
          body,
          headers: { ...headers, 'x-postal-signature-256': headers['x-postal-signature'] ?? '' },
        };
      },
      { status: 403, result: 'forged' },
    ],
    [
      'that is too large',
      () => signed(postalEvent({ note: 'x'.repeat(9000) })),
      { status: 413, result: 'forged' },
    ],
  ];

  it.each(cases)(
    '%s is refused, counted, and changes nothing',
    async (_, webhook, { status, result, token }) => {
      const [rows, counted] = [await countOf(api.db, 'postal_webhooks'), await countedAs(result)];
      expect(await post(api, webhook(), token ?? webhookToken)).toBe(status);
      expect(await countOf(api.db, 'postal_webhooks')).toBe(rows);
      expect(await countedAs(result)).toBe(counted + 1);
    },
  );

  it('can flood the path, and every genuine one from the same address is still taken', async () => {
    await using flooded = await runningApi({ API_FAILURE_LIMIT: '5', API_RATE_PERIOD: '1h' });
    const forged = { ...genuine(), body: Buffer.from('{}') };
    const junk = await Promise.all(
      Array.from({ length: 200 }, (_, turn) => post(flooded, forged, turn % 2 ? webhookToken : 'wrong')),
    );
    expect(junk.filter((status) => status === 429)).toHaveLength(195);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => post(flooded, genuine())));
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect(await countOf(flooded.db, 'postal_webhooks')).toBe(50);
  });
});

describe('the recorded webhooks of Postal', () => {
  it('are all believed with the key that its recorded JWKS gives', async () => {
    const jwks = readFileSync(join(recorded, 'keys/jwks.json'));
    const asked: string[] = [];
    await using real = await runningApi(
      { POSTAL_WEBHOOK_PUBLIC_KEY: '' },
      {
        http: {
          exchange: async ({ url, headers }): Promise<HttpEnd> => {
            asked.push(`${headers?.['host'] ?? ''} ${url}`);
            return { end: 'answered', status: 200, headers: {}, body: jwks };
          },
        },
      },
    );
    const names = readdirSync(join(recorded, 'webhooks'));
    for (const name of names) {
      const { headers } = JSON.parse(
        readFileSync(join(recorded, 'webhooks', name, 'headers.json'), 'utf8'),
      ) as {
        headers: Record<string, string>;
      };
      const kept = Object.entries(headers).filter(
        ([key]) => key.startsWith('X-Postal') || key === 'Content-Type',
      );
      const body = readFileSync(join(recorded, 'webhooks', name, 'body.json'));
      expect([name, await post(real, { body, headers: Object.fromEntries(kept) })]).toEqual([name, 200]);
    }
    expect(await countOf(real.db, 'postal_webhooks')).toBe(16);
    expect(asked).toEqual(['postal.example.test http://127.0.0.1:5000/.well-known/jwks.json']);
  });

  it('are asked for again while no key can be had', async () => {
    await using blind = await runningApi({ POSTAL_WEBHOOK_PUBLIC_KEY: '' });
    expect(await post(blind, signed(postalEvent(), signing))).toBe(503);
    expect(await countOf(blind.db, 'postal_webhooks')).toBe(0);
  });
});

import { Agent, request } from 'node:http';

import { expect, it } from 'vitest';

import type { Postgres } from '../../src/adapters/postgres.ts';
import { type Platform, startPlatform } from '../chaos/delivery/platform.ts';
import { postalDatabases } from '../engines/postal-databases.ts';
import { countOf } from '../integration/api/running-api.ts';
import { postalEvent, type Signed, signed } from '../integration/api/signed-webhook.ts';
import { pauseSending, resumeSending } from '../../src/store/sending.ts';
import { submit } from '../store/submit.ts';
import { report, toy } from './report.ts';

const perSecond = toy ? 300 : 3000;
const seconds = toy ? 1 : 6;
const most = 20;
const connections = 64;
/** Were handed over before; their readers open them now. */
const sent = toy ? 100 : 6000;
/** Postal takes 85 a second of them, so there is more than is handed over meanwhile. */
const waiting = toy ? 100 : 800;
const tickMs = 5;
/** The platform of the chaos tests is in a hurry; here its workers have mailctl's own defaults. */
const asDelivered = {
  WORKER_POLL_INTERVAL: '1s',
  WORKER_BATCH: '20',
  WORKER_LEASE: '3m',
  POSTAL_TIMEOUT: '60s',
};

/** A message of ours that Postal has. */
interface Sent extends Record<string, unknown> {
  readonly key: string;
  readonly address: string;
}

async function sendBefore({ db }: Platform): Promise<readonly Sent[]> {
  for (let number = 0; number < sent; number += 1)
    await submit(db, { to: [`reader-${number}@example.test`] });
  await db.query(`update recipients set state = 'delivered'`);
  await db.query('update messages set next_attempt_at = null');
  return db.query<Sent>(
    'select m.postal_key as key, r.address from messages m join recipients r on r.message_id = m.id',
  );
}

/** Opened events of these messages, each signed beforehand. */
function opened(messages: readonly Sent[], platform: Platform): readonly Signed[] {
  return Array.from({ length: perSecond * seconds }, (_, number) => {
    const { key, address: to } = messages[number % messages.length] ?? { key: '', address: '' };
    const from = `${key}@mail.acme.test`;
    const message = { id: number, token: 'x', direction: 'outgoing', to, from };
    const payload = { message, ip_address: '192.0.2.7', user_agent: 'Mail/1.0' };
    const body = postalEvent({ event: 'MessageLoaded', timestamp: Date.now() / 1000, payload });
    return signed(body, platform.signing);
  });
}

/** Sends at a steady rate, whatever is answered; gives the milliseconds from when each was due until its answer. */
async function sendSteadily(bodies: readonly Signed[], url: string): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: Promise<number>[] = [];
  const start = performance.now();
  const dueMs = (number: number) => start + (number / perSecond) * 1000;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      while (times.length < bodies.length && dueMs(times.length) <= performance.now()) {
        const body = bodies[times.length];
        if (body) times.push(sendOne(body, { url, agent, dueMs: dueMs(times.length) }));
      }
      if (times.length < bodies.length) return;
      clearInterval(timer);
      resolve();
    }, tickMs);
  });
  const answered = await Promise.all(times);
  agent.destroy();
  return answered;
}

interface Sending {
  readonly url: string;
  readonly agent: Agent;
  readonly dueMs: number;
}

function sendOne({ body, headers }: Signed, { url, agent, dueMs }: Sending): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - dueMs);
        else reject(new Error(`answered ${response.statusCode}`));
      });
    });
    sent.on('error', reject).end(body);
  });
}

async function handedOver(db: Postgres): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*)::integer as count from recipients where state not in ('queued', 'scheduled', 'sending', 'uncertain')`,
  );
  return row?.count ?? 0;
}

it(`takes ${perSecond} of Postal's webhooks a second, each verified and stored before it is answered, while messages are handed over`, async () => {
  await using databases = await postalDatabases();
  await using platform = await startPlatform(databases, asDelivered);
  const { db, webhookUrl } = platform;
  await pauseSending(db, { reason: 'until all is signed' });
  const bodies = opened(await sendBefore(platform), platform);
  for (let number = 0; number < waiting; number += 1) await submit(db, { to: ['ann@example.test'] });
  await db.query('analyze');
  await resumeSending(db);
  const stored = await countOf(db, 'postal_webhooks');
  const before = await handedOver(db);
  const start = performance.now();
  const times = (await sendSteadily(bodies, webhookUrl)).toSorted((one, other) => one - other);
  const tookSeconds = (performance.now() - start) / 1000;
  const deliveries = (await handedOver(db)) - before;
  expect((await countOf(db, 'postal_webhooks')) - stored).toBeGreaterThanOrEqual(bodies.length);
  const at = (share: number) => Number((times[Math.floor(times.length * share)] ?? Number.NaN).toFixed(1));
  report('webhook-intake', [
    {
      events: bodies.length,
      per_second: Math.round(bodies.length / tookSeconds),
      p50_ms: at(0.5),
      p99_ms: at(0.99),
      most_ms: at(0.99999),
      handed_over_per_second: Number((deliveries / tookSeconds).toFixed(1)),
    },
  ]);
  expect(deliveries).toBeGreaterThan(0);
  expect(at(0.99)).toBeLessThanOrEqual(toy ? Number.POSITIVE_INFINITY : most);
});

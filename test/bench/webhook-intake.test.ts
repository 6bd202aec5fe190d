import { sign } from 'node:crypto';
import { cpus } from 'node:os';

import { expect, it } from 'vitest';

import type { Postgres } from '../../src/adapters/postgres.ts';
import { type Platform, startPlatform } from '../chaos/delivery/platform.ts';
import { postalDatabases } from '../engines/postal-databases.ts';
import { countOf } from '../integration/api/running-api.ts';
import { postalEvent, type Signed } from '../integration/api/signed-webhook.ts';
import { kidOf } from '../../src/domain/postal-webhook.ts';
import { pauseSending, resumeSending } from '../../src/store/sending.ts';
import { submit } from '../store/submit.ts';
import { until } from '../store/until.ts';
import { usageOf } from './relay/process-tree.ts';
import { report, toy } from './report.ts';
import { sendSteadily } from './webhook-load.ts';

/** Events a second, one rate after another. */
const rates = toy ? [300] : [500, 1000, 2000, 3000];
/** The code of a service that has run for a while is compiled. */
const warmUp = toy ? { perSecond: 100, seconds: 1 } : { perSecond: 1000, seconds: 15 };
const seconds = toy ? 1 : 10;
const most = 20;
const connections = 64;
/** Were handed over before; their readers open them now. */
const sent = toy ? 100 : 6000;
/** More than Postal, which takes 85 a second, is handed meanwhile. */
const waiting = toy ? 400 : 6500;
/** The platform of the chaos tests is in a hurry and has two workers; here there is one, as on a host, with mailctl's own defaults. */
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
function opened(count: number, messages: readonly Sent[], { signing }: Platform): readonly Signed[] {
  const kid = kidOf(signing.publicKey);
  return Array.from({ length: count }, (_, number) => {
    const { key, address: to } = messages[number % messages.length] ?? { key: '', address: '' };
    const from = `${key}@mail.acme.test`;
    const message = { id: number, token: 'x', direction: 'outgoing', to, from };
    const payload = { message, ip_address: '192.0.2.7', user_agent: 'Mail/1.0' };
    const body = postalEvent({ event: 'MessageLoaded', timestamp: Date.now() / 1000, payload });
    const signature = sign('RSA-SHA256', body, signing.privateKey).toString('base64');
    const headers = {
      'content-type': 'application/json',
      'x-postal-signature-kid': kid,
      'x-postal-signature-256': signature,
    };
    return { body, headers };
  });
}

async function handedOver(db: Postgres): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*)::integer as count from recipients where state not in ('queued', 'scheduled', 'sending', 'uncertain')`,
  );
  return row?.count ?? 0;
}

/** What the api has used so far, and how long all cores together have worked and rested. */
async function cpuSeconds({ program }: Platform) {
  const { cpuSeconds: api } = await usageOf(program('api').pid);
  const times = cpus().map((core) => core.times);
  const idle = times.reduce((sum, core) => sum + core.idle, 0) / 1000;
  const all = times.flatMap((core) => Object.values(core)).reduce((sum, ms) => sum + ms, 0) / 1000;
  return { api, idle, all };
}

interface Scene {
  readonly platform: Platform;
  readonly bodies: readonly Signed[];
  readonly perSecond: number;
}

/** One rate: how long answers took from when their request was due, and what was handed over meanwhile. */
async function measure({ platform, bodies, perSecond }: Scene) {
  const { db, webhookUrl: url } = platform;
  const before = await handedOver(db);
  const used = await cpuSeconds(platform);
  const start = performance.now();
  const times = (await sendSteadily(bodies, { url, perSecond, connections })).toSorted(
    (one, other) => one - other,
  );
  const tookSeconds = (performance.now() - start) / 1000;
  const { api, idle, all } = await cpuSeconds(platform);
  const at = (share: number) => Number((times[Math.floor(times.length * share)] ?? Number.NaN).toFixed(1));
  return {
    offered: perSecond,
    taken: Math.round(bodies.length / tookSeconds),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    most_ms: at(0.99999),
    handed_over: Number((((await handedOver(db)) - before) / tookSeconds).toFixed(1)),
    api_cpu_ms: Number((((api - used.api) * 1000) / bodies.length).toFixed(3)),
    machine_busy: Number((1 - (idle - used.idle) / (all - used.all)).toFixed(2)),
  };
}

/** Has the worker send, and waits until it does. */
async function sendAgain(db: Postgres): Promise<void> {
  const before = await handedOver(db);
  await resumeSending(db);
  await until(
    () => handedOver(db),
    (now) => now > before,
    60_000,
  );
}

async function workedOut(db: Postgres): Promise<void> {
  const waits = () =>
    db.query<{ count: number }>(`select count(*)::integer as count from postal_webhooks where state = 'new'`);
  await until(waits, ([row]) => (row?.count ?? 0) < 200, 120_000);
}

it(`takes Postal's webhooks, each verified and stored before it is answered, while messages are handed over: ${rates.at(-1)} a second within ${most} ms`, async () => {
  await using databases = await postalDatabases();
  await using platform = await startPlatform(databases, asDelivered);
  const { db, postalUrl } = platform;
  await platform.program('worker two')[Symbol.asyncDispose]();
  await pauseSending(db, { reason: 'until all is signed' });
  const messages = await sendBefore(platform);
  const measured = rates.map((perSecond) => ({ perSecond, seconds }));
  const loads = [warmUp, ...measured].map((load) => ({
    perSecond: load.perSecond,
    bodies: opened(load.perSecond * load.seconds, messages, platform),
  }));
  for (let number = 0; number < waiting; number += 1) await submit(db, { to: ['ann@example.test'] });
  await db.query('analyze');
  const headers = { 'content-type': 'application/json' };
  await fetch(`${postalUrl}/_stand-in/pace`, { method: 'POST', headers, body: '"measured"' });
  const rows = [];
  for (const load of loads) {
    await sendAgain(db);
    rows.push(await measure({ platform, ...load }));
    await pauseSending(db, { reason: 'until all is worked out' });
    await workedOut(db);
  }
  report('webhook-intake', rows.slice(1));
  const all = loads.reduce((sum, { bodies }) => sum + bodies.length, 0);
  expect(await countOf(db, 'postal_webhooks')).toBeGreaterThanOrEqual(all);
  expect(rows.every(({ handed_over: handed }) => handed > 0)).toBe(true);
  expect(rows.at(-1)?.p99_ms).toBeLessThanOrEqual(toy ? Number.POSITIVE_INFINITY : most);
});

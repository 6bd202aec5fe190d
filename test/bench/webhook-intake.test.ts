import { type KeyObject, sign } from 'node:crypto';
import { cpus } from 'node:os';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';
import { z } from 'zod';

import type { Postgres } from '../../src/adapters/postgres.ts';
import { type Platform, startPlatform } from '../chaos/delivery/platform.ts';
import { postalDatabases } from '../engines/postal-databases.ts';
import { countOf } from '../integration/api/running-api.ts';
import { postalEvent, type Signed } from '../integration/api/signed-webhook.ts';
import { kidOf } from '../../src/domain/postal-webhook.ts';
import { pauseSending, resumeSending } from '../../src/store/sending.ts';
import { submit } from '../store/submit.ts';
import { until } from '../store/until.ts';
import { type Program, startProgram } from '../programs/program.ts';
import { usageOf } from './relay/process-tree.ts';
import { median, report, toy } from './report.ts';
import { startWebhookLoad, type WebhookLoad } from './webhook-load.ts';

/** Events a second, one rate after another. */
const rates = toy ? [300] : [1000, 3000, 3000, 3000];
/** The code of a service that has run for a while is compiled: that of the worker, which has little to do, after half a minute. */
const warmUp = toy ? { perSecond: 100, seconds: 1 } : { perSecond: 500, seconds: 30 };
const seconds = toy ? 1 : 4;
const most = 20;
const connections = 64;
/** Were handed over before; their readers open them now. */
const sent = toy ? 100 : 6000;
/** More than Postal, which takes 85 a second, is handed meanwhile. */
const waiting = toy ? 400 : 10_500;
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

const signBeside = promisify<string, Uint8Array, KeyObject, Buffer>(sign);

/** Opened events of these messages, each signed beforehand, on all cores. */
async function opened(
  count: number,
  messages: readonly Sent[],
  { signing }: Platform,
): Promise<readonly Signed[]> {
  const kid = kidOf(signing.publicKey);
  const one = async (_: unknown, number: number): Promise<Signed> => {
    const { key, address: to } = messages[number % messages.length] ?? { key: '', address: '' };
    const from = `${key}@mail.acme.test`;
    const message = { id: number, token: 'x', direction: 'outgoing', to, from };
    const payload = { message, ip_address: '192.0.2.7', user_agent: 'Mail/1.0' };
    const body = postalEvent({ event: 'MessageLoaded', timestamp: Date.now() / 1000, payload });
    const signature = (await signBeside('RSA-SHA256', body, signing.privateKey)).toString('base64');
    const headers = {
      'content-type': 'application/json',
      'x-postal-signature-kid': kid,
      'x-postal-signature-256': signature,
    };
    return { body, headers };
  };
  return Promise.all(Array.from({ length: count }, one));
}

async function handedOver(db: Postgres): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*)::integer as count from recipients where state not in ('queued', 'scheduled', 'sending', 'uncertain')`,
  );
  return row?.count ?? 0;
}

/** Where webhooks are taken: ours, or a bare door to compare it with. */
interface Door {
  readonly name: 'api' | 'bare';
  readonly url: string;
  readonly pid: number;
}

/** A door without limits, counts, problem documents or a second key, over the same table. */
async function bareDoor({ postgres: { address }, signing }: Platform): Promise<Program> {
  return startProgram('bare-webhook-door.ts', {
    environment: {
      PUBLIC_KEY: signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      POSTGRES_HOST: address.host,
      POSTGRES_PORT: String(address.port),
      POSTGRES_DATABASE: address.database,
      POSTGRES_USER: address.user,
      POSTGRES_PASSWORD: address.password.reveal(),
    },
  });
}

/** What the door has used so far, and how long all cores together have worked and rested. */
async function cpuSeconds({ pid }: Door) {
  const { cpuSeconds: own } = await usageOf(pid);
  const times = cpus().map((core) => core.times);
  const idle = times.reduce((sum, core) => sum + core.idle, 0) / 1000;
  const all = times.flatMap((core) => Object.values(core)).reduce((sum, ms) => sum + ms, 0) / 1000;
  return { own, idle, all };
}

interface Scene {
  readonly db: Postgres;
  readonly load: WebhookLoad;
  readonly door: Door;
  readonly bodies: readonly Signed[];
  readonly perSecond: number;
}

/** One rate: how long answers took from when their request was due, and what was handed over meanwhile. */
async function measure({ db, load, door, bodies, perSecond }: Scene) {
  const before = await handedOver(db);
  const used = await cpuSeconds(door);
  const sent = await load.send(bodies, { url: door.url, perSecond, connections });
  const times = sent.times.toSorted((one, other) => one - other);
  const tookSeconds = sent.tookMs / 1000;
  const { own, idle, all } = await cpuSeconds(door);
  const at = (share: number) => Number((times[Math.floor(times.length * share)] ?? Number.NaN).toFixed(1));
  return {
    door: door.name,
    offered: perSecond,
    taken: Math.round(bodies.length / tookSeconds),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    most_ms: at(0.99999),
    handed_over: Number((((await handedOver(db)) - before) / tookSeconds).toFixed(1)),
    cpu_ms: Number((((own - used.own) * 1000) / bodies.length).toFixed(3)),
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

/** What readers open now, and beside it what is to be handed over at the pace of Postal. */
async function prepare(platform: Platform): Promise<readonly Sent[]> {
  const { db, postalUrl, program } = platform;
  await program('worker two')[Symbol.asyncDispose]();
  await pauseSending(db, { reason: 'until all is signed' });
  const messages = await sendBefore(platform);
  for (let number = 0; number < waiting; number += 1) await submit(db, { to: ['ann@example.test'] });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${postalUrl}/_stand-in/pace`, { method: 'POST', headers, body: '"measured"' });
  await db.query('analyze');
  return messages;
}

const p99Of = (rows: readonly Awaited<ReturnType<typeof measure>>[], door: Door['name']): number =>
  median(rows.filter((row) => row.door === door && row.offered === rates.at(-1)).map(({ p99_ms: ms }) => ms));

it(`takes Postal's webhooks, each verified and stored before it is answered, while messages are handed over: ${rates.at(-1)} a second within ${most} ms`, async () => {
  await using databases = await postalDatabases();
  await using platform = await startPlatform(databases, asDelivered);
  await using bare = await bareDoor(platform);
  await using load = await startWebhookLoad();
  const { db, webhookUrl } = platform;
  const messages = await prepare(platform);
  const { port } = z.object({ port: z.number() }).parse(bare.said);
  const doors: readonly Door[] = [
    { name: 'api', url: webhookUrl, pid: platform.program('api').pid },
    { name: 'bare', url: `http://127.0.0.1:${port}/`, pid: bare.pid },
  ];
  const rows = [];
  let stored = 0;
  for (const { perSecond, seconds: long } of [warmUp, ...rates.map((rate) => ({ perSecond: rate, seconds }))])
    for (const door of doors) {
      const bodies = await opened(perSecond * long, messages, platform);
      await sendAgain(db);
      rows.push(await measure({ db, load, door, bodies, perSecond }));
      stored += bodies.length;
      await pauseSending(db, { reason: 'until all is worked out' });
      await workedOut(db);
    }
  report('webhook-intake', rows.slice(doors.length));
  expect(await countOf(db, 'postal_webhooks')).toBeGreaterThanOrEqual(stored);
  expect(rows.every(({ handed_over: handed }) => handed > 0)).toBe(true);
  expect(p99Of(rows, 'api')).toBeLessThanOrEqual(toy ? Number.POSITIVE_INFINITY : most);
});

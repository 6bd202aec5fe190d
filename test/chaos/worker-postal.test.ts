import { afterEach, beforeEach, expect, it } from 'vitest';

import type { FaultOrder } from '../../src/postal-stand-in/faults.ts';
import { postalDatabases, type TestPostal } from '../engines/postal-databases.ts';
import { openRig, type Rig } from '../integration/worker/rig.ts';
import { type Program, startProgram } from '../programs/program.ts';
import { until } from '../store/until.ts';

/** `MAILCTL_CHAOS_MESSAGES=5000` makes it long. */
const wanted = Number(process.env['MAILCTL_CHAOS_MESSAGES'] ?? 300);
const leaseMs = 2500;
const settleMs = 2500;
const longestMs = 100_000 + wanted * 1_000;

let databases: TestPostal;
let rig: Rig;
beforeEach(async () => {
  databases = await postalDatabases();
  rig = await openRig(
    { keep: { messages: 100_000 }, pace: { acceptPerSecond: 60 } },
    { ledger: databases.ledger },
  );
  rig.postal.order({ kind: 'webhook-withheld' });
  rig.postal.order({ kind: 'killed-midway', recipients: 1, count: 1 });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await databases[Symbol.asyncDispose]();
});

function environment(): Readonly<Record<string, string>> {
  const { host, port, database, user, password } = rig.address;
  const { reader, names } = databases;
  return {
    MAILCTL_MODE: 'sandbox',
    LOG_LEVEL: 'info',
    MAIL_DOMAIN: 'mail.acme.test',
    POSTGRES_HOST: host,
    POSTGRES_PORT: String(port),
    POSTGRES_DATABASE: database,
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password.reveal(),
    POSTGRES_POOL_SIZE: '5',
    POSTAL_URL: rig.postal.url,
    POSTAL_HOSTNAME: 'postal.example.test',
    POSTAL_API_KEY: names.apiKey.reveal(),
    POSTAL_DB_HOST: reader.host,
    POSTAL_DB_USER: reader.user,
    POSTAL_DB_PASSWORD: reader.password.reveal(),
    POSTAL_DB_NAME: names.main,
    POSTAL_DB_MESSAGE_PREFIX: names.messagePrefix,
    POSTAL_TIMEOUT: '1500ms',
    POSTAL_CONNECT_TIMEOUT: '500ms',
    POSTAL_SETTLE_TIME: `${settleMs}ms`,
    POSTAL_RECIPIENTS_PER_CALL: '2',
    POSTAL_BREAKER_OPEN: '100ms',
    POSTAL_BREAKER_OPEN_MAX: '500ms',
    DELIVERY_RETRY_BASE: '100ms',
    DELIVERY_RETRY_MAX: '1s',
    WEBHOOK_SEALING_KEY: 'k'.repeat(43),
    UNSUBSCRIBE_KEY: 'u'.repeat(43),
    API_URL: 'https://api.acme.test',
    WORKER_LEASE: `${leaseMs}ms`,
    WORKER_BATCH: '8',
    WORKER_POLL_INTERVAL: '20ms',
    WORKER_ERROR_WAIT_MAX: '200ms',
    WORKER_HEALTH_LISTEN: '127.0.0.1:0',
  };
}

const addresses = (one: number) => ['a', 'B', 'é'].map((name) => `${name}${one}@example.test`);

async function submitAll(): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let one = 0; one < wanted; one += 1) ids.push(await rig.submit({ to: addresses(one) }));
  return ids;
}

const faults: readonly FaultOrder[] = [
  { kind: 'dropped-after' },
  { kind: 'dropped-before' },
  { kind: 'server-error' },
  { kind: 'killed-midway', recipients: 1 },
  { kind: 'killed-midway', recipients: 2 },
  { kind: 'slow-accept', ms: 900 },
  { kind: 'slow-answer', ms: 2000 },
];

async function open(): Promise<number> {
  const [row] = await rig.db.query<{ count: number }>(
    `select count(*)::integer as count from recipients where state <> 'accepted'`,
  );
  return row?.count ?? 0;
}

const after = (ms: number) => {
  const end = performance.now() + ms;
  return () => performance.now() > end;
};

/** Waits until more has been accepted, so that however slow the machine is, striking comes to an end. */
async function someProgress(): Promise<void> {
  const enough = (await open()) - 3 * (1 + Math.random() * 40);
  await until(open, (now) => now <= Math.max(0, enough), longestMs);
}

/** Holds a worker still until its leases and what it was sending have passed to others. */
async function freeze(worker: Program): Promise<void> {
  worker.kill('SIGSTOP');
  const isOver = after(leaseMs + 2 * settleMs);
  await until(() => undefined, isOver);
  worker.kill('SIGCONT');
}

type Counts = Record<'kills' | 'freezes' | 'faults', number>;

/** Kills or freezes one of two workers in turn, and starts another one for a killed one, until nothing is open. */
async function harass(workers: Set<Program>, counts: Counts): Promise<void> {
  const isLate = after(longestMs);
  while ((await open()) > 0 && !isLate()) {
    while (workers.size < 2) workers.add(await startProgram('worker.ts', { environment: environment() }));
    misbehave(counts);
    await someProgress();
    const [worker] = workers;
    if (worker) await strike(worker, workers, counts);
  }
}

async function strike(worker: Program, workers: Set<Program>, counts: Counts): Promise<void> {
  workers.delete(worker);
  if (counts.kills <= counts.freezes) {
    worker.kill('SIGKILL');
    counts.kills += 1;
    return;
  }
  await freeze(worker);
  counts.freezes += 1;
  workers.add(worker);
}

/** A few at a time, and only after progress: more than Postal takes calls, and nothing would ever get through. */
function misbehave(counts: Counts): void {
  for (let one = 0; one < 6; one += 1) {
    const fault = faults[Math.floor(Math.random() * faults.length)];
    if (fault) rig.postal.order({ ...fault, count: 1 });
    counts.faults += 1;
  }
}

async function figure(condition: string): Promise<number> {
  const [row] = await rig.db.query<{ count: number }>(
    `select count(*)::integer as count from events where ${condition}`,
  );
  return row?.count ?? 0;
}

/** What Postal has of each recipient that was submitted, counted in its own rows. */
async function census(ids: readonly string[]) {
  await rig.postal.idle();
  const rows = await rig.db.query<{ id: string; key: string }>('select id, postal_key as key from messages');
  const keys = new Map(rows.map(({ id, key }) => [id, key]));
  const living = await databases.living();
  const wantedCopies = ids.flatMap((id, one) =>
    addresses(one).map((to) => `${keys.get(id)}@mail.acme.test ${to}`),
  );
  return {
    lost: wantedCopies.filter((copy) => !living[copy]),
    doubled: wantedCopies.filter((copy) => (living[copy] ?? 0) > 1),
    unknown: Object.keys(living).filter((copy) => !wantedCopies.includes(copy)),
  };
}

it(
  'workers that are killed and frozen again and again hand every recipient to Postal exactly once',
  async () => {
    const ids = await submitAll();
    const workers = new Set<Program>();
    const counts = { kills: 0, freezes: 0, faults: 0 };
    try {
      await harass(workers, counts);
    } finally {
      for (const worker of workers) await worker[Symbol.asyncDispose]();
    }

    const { lost, doubled, unknown } = await census(ids);
    const uncertain = await figure(`kind = 'uncertain'`);
    const abandoned = await figure(`detail ? 'abandoned_postal_id'`);
    console.table({
      messages: wanted,
      ...counts,
      uncertain,
      abandoned,
      lost: lost.length,
      doubled: doubled.length,
    });
    expect({ lost, doubled, unknown }).toEqual({ lost: [], doubled: [], unknown: [] });
    expect(Math.min(counts.kills, counts.freezes, abandoned)).toBeGreaterThan(0);
  },
  2 * longestMs,
);

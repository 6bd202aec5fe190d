import { readFile } from 'node:fs/promises';

import type { Postgres } from '../../../src/adapters/postgres.ts';
import type { FaultOrder } from '../../../src/postal-stand-in/faults.ts';
import { until } from '../../store/until.ts';
import { leaseMs, type Platform, type Room, settleMs } from './platform.ts';

/** Longer than a lease and the settle time after it together. */
const frozenMs = leaseMs + 2 * settleMs;

async function frozenTime(): Promise<void> {
  const end = performance.now() + frozenMs;
  await until(
    () => performance.now(),
    (now) => now >= end,
    2 * frozenMs,
  );
}

type Strike = (platform: Platform) => Promise<void>;

const rooms: readonly Room[] = ['api', 'postal', 'worker one', 'worker two'];

/** What is done to the platform, by what it is called in the counts. */
export const strikes: Readonly<Record<string, Strike>> = {
  'worker killed': (platform) => platform.kill(oneOf(['worker one', 'worker two'])),
  'api killed': (platform) => platform.kill('api'),
  'postal killed': (platform) => platform.kill('postal'),
  'postgres crashed': ({ db }) => crashPostgres(db),
  'worker frozen': (platform) => freeze(platform, oneOf(['worker one', 'worker two'])),
  'api frozen': (platform) => freeze(platform, 'api'),
  'postal frozen': (platform) => freeze(platform, 'postal'),
  'postgres frozen': freezePostgres,
  'clocks stepped': stepClocks,
};

function oneOf<T>(things: readonly [T, ...T[]]): T {
  return things[Math.floor(Math.random() * things.length)] ?? things[0];
}

async function freeze(platform: Platform, room: Room): Promise<void> {
  const program = platform.program(room);
  program.kill('SIGSTOP');
  await frozenTime();
  program.kill('SIGCONT');
}

/** Each process's own date goes an hour forward or back; PostgreSQL, on whose clock leases end, keeps its own. */
async function stepClocks(platform: Platform): Promise<void> {
  for (const room of rooms) platform.program(room).kill('SIGUSR2');
}

/** Kills one of PostgreSQL's processes with SIGKILL, upon which it ends all others and recovers from its log. */
async function crashPostgres(db: Postgres): Promise<void> {
  const [victim] = await processes(db);
  if (victim) process.kill(victim, 'SIGKILL');
}

async function freezePostgres({ db }: Platform): Promise<void> {
  const backends = await processes(db);
  const all = [...(await parentOf(backends[0])), ...backends];
  for (const pid of all) signal(pid, 'SIGSTOP');
  await frozenTime();
  for (const pid of all) signal(pid, 'SIGCONT');
}

/** PostgreSQL's own processes, those that serve a worker first; none while it recovers from the last strike. */
async function processes(db: Postgres): Promise<readonly number[]> {
  const rows = await db
    .query<{ pid: number }>(
      `select pid from pg_stat_activity where pid <> pg_backend_pid() order by application_name <> 'mailctl worker', random()`,
    )
    .catch(() => []);
  return rows.map(({ pid }) => pid);
}

async function parentOf(pid: number | undefined): Promise<readonly number[]> {
  if (pid === undefined) return [];
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const parent = Number(stat.split(') ')[1]?.split(' ')[1]);
  return parent > 1 ? [parent] : [];
}

/** A process may have ended by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

const faults: readonly [FaultOrder, ...FaultOrder[]] = [
  { kind: 'dropped-after' },
  { kind: 'dropped-before' },
  { kind: 'server-error' },
  { kind: 'killed-midway', recipients: 1 },
  { kind: 'killed-midway', recipients: 2 },
  { kind: 'slow-accept', ms: 700 },
  { kind: 'slow-answer', ms: 2000 },
];

/** Orders one fault for the next call that it fits, and tells which. */
export async function misbehave(platform: Platform): Promise<string> {
  const fault = oneOf(faults);
  await platform.order({ ...fault, count: 1 });
  return fault.kind;
}

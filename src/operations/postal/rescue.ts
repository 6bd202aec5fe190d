import { OperatorError } from '../../domain/failure.ts';
import { type RescueVerdict, type RunningWorkers, verdictOn } from '../../domain/postal-rescue.ts';
import type { Runtime } from '../../runtime.ts';
import {
  type LockedEntry,
  lockedEntries,
  mariadbNow,
  releaseEntry,
  settleEntry,
} from '../../store/postal/locked-rows.ts';
import type { Plan, Step } from '../plan.ts';
import { workerService, runningWorkers } from './workers.ts';
import { openPostalWriter, type PostalWriter } from './writer.ts';

/** What a rescue did, or would do. */
export interface Rescued {
  /** Rows that are no longer locked. */
  readonly changed: number;
  readonly mail: { readonly released: number; readonly settled: number };
  readonly webhooks: { readonly released: number; readonly settled: number };
  /** Locked rows that a running worker may have under way. */
  readonly left: number;
}

interface Decided {
  readonly entry: LockedEntry;
  readonly verdict: RescueVerdict;
}

/**
 * Plans to free what a worker of Postal's that is gone has locked: what was not sent is released, what has its end is taken out. Only
 * rows that were locked before every running worker began are touched; `before` (ISO 8601) is that moment where it cannot be seen.
 */
export async function planRescue(world: Runtime, before?: string): Promise<Plan<Rescued>> {
  const writer = await openPostalWriter(world);
  const decided = await lookAt(writer, await workersOf(world, before));
  const goes = decided.filter(({ verdict }) => verdict !== 'leave');
  const done = new Set<Decided>();
  return {
    title:
      goes.length === 0
        ? 'No mail of Postal is locked by a worker that is gone'
        : 'Free what workers of Postal left locked',
    steps: [stepFor('release', writer, goes, done), stepFor('settle', writer, goes, done)].flat(),
    result: () => report(decided, done),
  };
}

async function workersOf(world: Runtime, before: string | undefined): Promise<RunningWorkers> {
  if (before === undefined) return runningWorkers(world);
  const moment = new Date(before);
  if (Number.isNaN(moment.getTime()) || moment > world.clock.now()) throw noMoment(before);
  const inStack = await world.addresses.onHost();
  const seen = inStack ? await runningWorkers(world) : undefined;
  return { known: 'all', since: [moment, ...(seen?.known === 'all' ? seen.since : [])] };
}

function noMoment(text: string): OperatorError {
  return new OperatorError('usage', `--before: "${text}" is no moment of the past`, {
    hint: 'Write for example 2026-01-31T12:00:00Z',
    field: '--before',
  });
}

async function lookAt({ server, names }: PostalWriter, workers: RunningWorkers): Promise<readonly Decided[]> {
  return server.session(async (session) => {
    const now = await mariadbNow(session);
    const entries = await lockedEntries(session, names);
    return entries.map((entry) => ({ entry, verdict: verdictOn(entry, workers, now) }));
  });
}

function stepFor(
  verdict: 'release' | 'settle',
  writer: PostalWriter,
  goes: readonly Decided[],
  done: Set<Decided>,
): readonly Step[] {
  const own = goes.filter((one) => one.verdict === verdict);
  if (own.length === 0) return [];
  const what =
    verdict === 'release'
      ? `let Postal try again: ${inWords(own)}`
      : `take out of Postal's queues what has its end: ${inWords(own)}`;
  return [{ do: verdict, what, run: async () => carryOut(writer, own, done) }];
}

/** Each row by itself, and only as it was found: what is cut off here is found again. */
async function carryOut(
  { server, names }: PostalWriter,
  rows: readonly Decided[],
  done: Set<Decided>,
): Promise<void> {
  await server.session(async (session) => {
    for (const row of rows) {
      const change = row.verdict === 'settle' ? settleEntry : releaseEntry;
      if (await change(session, names, row.entry)) done.add(row);
    }
  });
}

function inWords(rows: readonly Decided[]): string {
  const mail = rows.filter(isMail).length;
  const webhooks = rows.length - mail;
  return [mail > 0 && `${mail} messages`, webhooks > 0 && `${webhooks} webhooks`].filter(Boolean).join(', ');
}

function isMail({ entry }: Decided): boolean {
  return entry.queue === 'queued_messages';
}

function report(decided: readonly Decided[], done: ReadonlySet<Decided>): Rescued {
  const count = (mail: boolean, verdict: RescueVerdict) =>
    [...done].filter((one) => isMail(one) === mail && one.verdict === verdict).length;
  return {
    changed: done.size,
    mail: { released: count(true, 'release'), settled: count(true, 'settle') },
    webhooks: { released: count(false, 'release'), settled: count(false, 'settle') },
    left: decided.filter(({ verdict }) => verdict === 'leave').length,
  };
}

/** Frees what is locked, on the way to starting Postal's worker. */
const free: Step = {
  do: 'rescue',
  what: 'free what a worker of Postal that is gone has locked',
  run: async (world) => {
    const { steps } = await planRescue(world);
    for (const step of steps) await step.run(world);
  },
};

/** What goes before every start of Postal's worker: one that runs is stopped first, so that nothing it has under way counts as left over. */
export function rescueBefore(names: readonly string[], running: boolean): readonly Step[] {
  if (!names.includes(workerService)) return [];
  const stop: Step = {
    do: 'stop',
    what: `stop ${workerService}, once what is in flight is finished`,
    run: async (world) => {
      await (await world.compose()).must({ argv: ['stop', workerService] });
    },
  };
  return running ? [stop, free] : [free];
}

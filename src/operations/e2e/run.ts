import { OperatorError } from '../../domain/failure.ts';
import { type Hop, hops } from '../../domain/hop.ts';
import type { Check, Observation, Probe } from './check.ts';
import { forgeries } from './checks/forgeries.ts';
import { httpApi } from './checks/http-api.ts';
import { passage } from './checks/passage.ts';
import { refusals } from './checks/refusals.ts';
import { submission } from './checks/submission.ts';
import { wayBack } from './checks/return.ts';

/** One line of the report. */
export interface CheckReport {
  readonly id: string;
  readonly hop: Hop;
  readonly result: 'pass' | 'fail' | 'skipped';
  readonly ms: number;
  readonly expected: string;
  readonly seen: string;
  readonly look: string;
}

/** What `mailctl e2e` found out. */
export interface E2eReport {
  readonly run_id: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly first_broken_hop: Hop | null;
  readonly checks: readonly CheckReport[];
}

/** Every check, in the order a message travels. */
export const allChecks: readonly Check[] = [
  ...submission,
  ...passage,
  ...wayBack,
  ...httpApi,
  ...refusals,
  ...forgeries,
];

/**
 * The named checks with all that they need; all of them when none is named. A name is an id, a hop, or the part of an id before
 * the dot. Throws `usage` for another word.
 */
export function chooseChecks(names: readonly string[]): readonly Check[] {
  if (names.length === 0) return allChecks;
  const wanted = new Set<string>();
  const want = (check: Check) => {
    if (wanted.has(check.id)) return;
    wanted.add(check.id);
    for (const need of check.needs) allChecks.filter(({ id }) => id === need).forEach(want);
  };
  for (const name of names) {
    const named = allChecks.filter(({ id, hop }) => [id, hop, id.split('.')[0]].includes(name));
    if (named.length === 0) throw unknownCheck(name);
    named.forEach(want);
  }
  return allChecks.filter(({ id }) => wanted.has(id));
}

interface Listener {
  tell(report: CheckReport): void;
  readonly stop: AbortSignal;
}

/** Runs the checks one after another. What needs a check that did not pass is skipped; only a stop is thrown. */
export async function runChecks(
  checks: readonly Check[],
  probe: Probe,
  { tell, stop }: Listener,
): Promise<E2eReport> {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    if (stop.aborted) throw interrupted();
    const report = await runOne(check, probe, reports);
    reports.push(report);
    tell(report);
  }
  const broken = reports.filter(({ result }) => result === 'fail').map(({ hop }) => hop);
  return {
    run_id: probe.runId,
    passed: reports.filter(({ result }) => result === 'pass').length,
    failed: broken.length,
    skipped: reports.filter(({ result }) => result === 'skipped').length,
    first_broken_hop: hops.find((hop) => broken.includes(hop)) ?? null,
    checks: reports,
  };
}

async function runOne(check: Check, probe: Probe, before: readonly CheckReport[]): Promise<CheckReport> {
  const began = probe.clock.monotonicMs();
  const missing = check.needs.find((need) =>
    before.some(({ id, result }) => id === need && result !== 'pass'),
  );
  const observation: Observation = missing
    ? { result: 'skipped', seen: `needs ${missing}` }
    : await check.run(probe).catch(failed);
  return {
    id: check.id,
    hop: observation.result === 'fail' ? (observation.hop ?? check.hop) : check.hop,
    result: observation.result,
    ms: Math.round(probe.clock.monotonicMs() - began),
    expected: check.expected,
    seen: observation.seen,
    look: check.look(probe),
  };
}

/** A check that could not be carried out has failed: what stopped it is what was seen. */
function failed(error: unknown): Observation {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return { result: 'fail', seen: `${error instanceof Error ? error.message : String(error)}${cause}` };
}

function interrupted(): OperatorError {
  return new OperatorError('interrupted', 'interrupted before all checks were made', {
    hint: 'Run it again',
  });
}

function unknownCheck(name: string): OperatorError {
  return new OperatorError('usage', `there is no check "${name}"`, {
    hint: `Checks are named by hop (${hops.join(', ')}) or id (${allChecks[0]?.id} …)`,
    field: 'CHECK',
  });
}

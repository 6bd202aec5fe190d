import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { prepareProbe } from './prepare.ts';
import { type CheckReport, chooseChecks, type E2eReport, runChecks } from './run.ts';

export interface ProofOptions {
  /** Ids or hops; all checks when empty. */
  readonly checks: readonly string[];
  /** Address to send to, instead of E2E_RECIPIENT. */
  readonly to: string | undefined;
  /** Hears of each check as it ends. */
  tell(report: CheckReport): void;
  /** Ends the proof after the check under way. */
  readonly stop: AbortSignal;
}

/** Sends mail through a running platform, looks for it at every hop, and returns what was found. */
export async function proveMail(
  runtime: Runtime,
  { checks, to, tell, stop }: ProofOptions,
): Promise<E2eReport> {
  const chosen = chooseChecks(checks);
  await using probe = await prepareProbe(runtime, to);
  return await runChecks(chosen, probe, { tell, stop });
}

/** The failure of a proof that found something broken; the report is its data. Undefined when all passed. */
export function failureOf(report: E2eReport): OperatorError | undefined {
  const broken = report.checks.find(
    ({ hop, result }) => result === 'fail' && hop === report.first_broken_hop,
  );
  if (!broken) return undefined;
  return new OperatorError(
    'check-failed',
    `the first broken hop is ${broken.hop}: ${broken.id}\n  expected: ${broken.expected}\n  seen:     ${broken.seen}`,
    { hint: `Look further: ${broken.look}`, field: broken.id, data: report },
  );
}

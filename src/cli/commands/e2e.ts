import { resolve } from 'node:path';

import type { Command } from 'commander';

import { junitReport } from '../../operations/e2e/junit.ts';
import { failureOf, proveMail } from '../../operations/e2e/prove.ts';
import { allChecks, chooseChecks, type CheckReport, type E2eReport } from '../../operations/e2e/run.ts';
import type { Finished } from '../../adapters/exec.ts';
import { hasSink } from '../../config/profiles.ts';
import { type FailureCode, OperatorError } from '../../domain/failure.ts';
import { probeAddress } from '../../operations/e2e/probe-address.ts';
import { runInProbe } from '../../operations/stack/probe.ts';
import { openRuntime, type Runtime } from '../../runtime.ts';
import { type Context, runs, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { printTo } from '../printable.ts';
import { openSandbox } from '../sandbox.ts';

interface E2eFlags {
  readonly sandbox?: true;
  readonly to?: string;
  readonly junit?: string;
}

/** `mailctl e2e [CHECK…]`. */
export function defineE2e(command: Command, session: Session): void {
  const hops = [...new Set(allChecks.map(({ hop }) => hop))];
  command
    .argument('[check...]', `checks to run, by hop (${hops.join(', ')}) or by id; all when none is named`)
    .option('--sandbox', 'start a sandbox, prove it, and tear it down')
    .option('--to <address>', 'send to this address instead of E2E_RECIPIENT')
    .option('--junit <file>', 'write the report as JUnit XML too')
    .addHelpText(
      'after',
      `\nChecks:\n${allChecks.map(({ id, expected }) => `  ${id.padEnd(22)}  ${expected}`).join('\n')}`,
    )
    .action(runs(session, run));
}

async function run(context: Context, names: string[], flags: E2eFlags): Promise<void> {
  chooseChecks(names);
  if (context.flags.dryRun) return announce(context, names);
  const report = await proofOf(context, names, flags);
  if (flags.junit !== undefined)
    await context.runtime.files.write(resolve(context.runtime.dir, flags.junit), junitReport(report), 0o644);
  const failure = failureOf(report);
  if (failure) throw failure;
  context.output.result(report, summary);
}

async function proofOf(context: Context, names: readonly string[], flags: E2eFlags): Promise<E2eReport> {
  if (flags.sandbox) return inSandbox(context, names, flags);
  const { runtime } = context;
  return (await runtime.addresses.onHost())
    ? inStack(context, names, flags)
    : prove(context, runtime, names, flags);
}

/** On the host of a stack the check runs in its network, where every hop has its name; the report is told and kept here. */
async function inStack(context: Context, names: readonly string[], flags: E2eFlags): Promise<E2eReport> {
  const { runtime, output, stop } = context;
  const to = flags.to ?? (await ownAddress(context));
  const argv = ['e2e', ...names, '--json', ...(to === undefined ? [] : ['--to', to])];
  const finished = await runInProbe(runtime, argv, stop);
  const { data, error, warnings } = envelopeOf(finished);
  for (const warning of warnings) output.warn(warning);
  if (data === undefined || (error && error.code !== 'check-failed')) throw brokenOff(finished, error);
  for (const check of data.checks) tellOf(context)(check);
  return data;
}

/** Where nobody is named to send to, and no sink takes it: the address that Postal routes to the api. */
async function ownAddress({ runtime, output }: Context): Promise<string | undefined> {
  const config = await runtime.config('operator');
  if (config.E2E_RECIPIENT !== undefined || hasSink(config)) return undefined;
  const address = await probeAddress(runtime);
  output.note(`sending to ${address}, which Postal routes to the api`);
  return address;
}

interface StackAnswer {
  readonly data?: E2eReport;
  readonly error?: { readonly code: FailureCode; readonly message: string; readonly hint: string };
  readonly warnings: readonly string[];
}

function envelopeOf({ stdout }: Finished): StackAnswer {
  try {
    return JSON.parse(stdout) as StackAnswer;
  } catch {
    return { warnings: [] };
  }
}

function brokenOff({ stderr, exit }: Finished, error: StackAnswer['error']): OperatorError {
  if (error) return new OperatorError(error.code, error.message, { hint: error.hint });
  return new OperatorError(
    'unreachable',
    `the check inside the stack ended with ${exit ?? 'a signal'} and no report`,
    {
      hint: 'See that the stack runs: mailctl status',
      cause: new Error(stderr.trim().split('\n').slice(-5).join('\n')),
    },
  );
}

function announce({ output }: Context, names: readonly string[]): void {
  const checks = chooseChecks(names).map(({ id, hop, expected }) => ({ id, hop, expected }));
  output.result({ checks }, () =>
    checks.map(({ id, hop, expected }) => `${hop.padEnd(14)}  ${id.padEnd(22)}  ${expected}`).join('\n'),
  );
}

async function inSandbox(context: Context, names: readonly string[], flags: E2eFlags): Promise<E2eReport> {
  const began = context.runtime.clock.monotonicMs();
  await using sandbox = await openSandbox(context);
  const seconds = ((context.runtime.clock.monotonicMs() - began) / 1000).toFixed(1);
  context.output.note(`the sandbox is ready after ${seconds} s`);
  await using runtime = openRuntime({ dir: sandbox.dir, environment: {}, uid: context.terminal.uid });
  return await prove(context, runtime, names, flags);
}

async function prove(
  context: Context,
  runtime: Runtime,
  names: readonly string[],
  { to }: E2eFlags,
): Promise<E2eReport> {
  return proveMail(runtime, { checks: names, to, tell: tellOf(context), stop: context.stop });
}

function tellOf({ flags, terminal, output }: Context): (report: CheckReport) => void {
  return (report) => {
    if (!flags.json) printTo(terminal.stdout, `${row(report, output.style)}\n`);
  };
}

const marks = { pass: '✔', fail: '✘', skipped: '–' } as const;

function row({ id, hop, result, ms, seen }: CheckReport, style: Style): string {
  const paint = { pass: style.green, fail: style.red, skipped: style.dim }[result];
  const cut = seen.length > 72 ? `${seen.slice(0, 71)}…` : seen;
  return `${paint(marks[result])} ${hop.padEnd(14)}  ${id.padEnd(22)}  ${String(ms).padStart(6)} ms  ${style.dim(cut)}`;
}

function summary({ run_id, passed, skipped, checks }: E2eReport, style: Style): string {
  const ms = checks.reduce((sum, check) => sum + check.ms, 0);
  const left = skipped === 0 ? '' : `, ${skipped} skipped`;
  const verdict = checks.length === allChecks.length ? ': mail flows' : '';
  return style.green(`${passed} checks passed${left}${verdict} (${(ms / 1000).toFixed(1)} s, ${run_id})`);
}

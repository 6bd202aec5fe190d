import { join } from 'node:path';

import type { Command } from 'commander';

import { junitReport } from '../../operations/e2e/junit.ts';
import { failureOf, proveMail } from '../../operations/e2e/prove.ts';
import { allChecks, chooseChecks, type CheckReport, type E2eReport } from '../../operations/e2e/run.ts';
import { OperatorError } from '../../domain/failure.ts';
import { runInProbe } from '../../operations/stack/probe.ts';
import { openRuntime, type Runtime } from '../../runtime.ts';
import { type Context, runs, type Session } from '../command.ts';
import type { Style } from '../output.ts';
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

async function run(context: Context, names: string[], flags: E2eFlags): Promise<number | void> {
  chooseChecks(names);
  if (context.flags.dryRun) return announce(context, names);
  if (!flags.sandbox && (await context.runtime.addresses.onHost())) return inStack(context, names, flags);
  const report = flags.sandbox
    ? await inSandbox(context, names, flags)
    : await prove(context, context.runtime, names, flags);
  if (flags.junit !== undefined)
    await context.runtime.files.write(join(context.runtime.dir, flags.junit), junitReport(report), 0o644);
  const failure = failureOf(report);
  if (failure) throw failure;
  context.output.result(report, summary);
}

/** On the host of a stack the check runs in its network, where every hop has its name. */
async function inStack(
  { runtime, terminal, flags, stop }: Context,
  names: readonly string[],
  { to, junit }: E2eFlags,
): Promise<number> {
  const argv = [
    'e2e',
    ...names,
    ...(flags.json ? ['--json'] : []),
    ...(to === undefined ? [] : ['--to', to]),
  ];
  const { exit, stdout, stderr } = await runInProbe(runtime, argv, stop);
  terminal.stderr.write(stderr === '' ? '' : `${stderr}\n`);
  terminal.stdout.write(stdout === '' ? '' : `${stdout}\n`);
  if (junit !== undefined) throw noReportFromStack();
  return exit ?? 1;
}

function noReportFromStack(): OperatorError {
  return new OperatorError('usage', '--junit is not written by a check that runs inside the stack', {
    hint: 'Take --json there',
    field: '--junit',
  });
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
  { output, flags, terminal, stop }: Context,
  runtime: Runtime,
  names: readonly string[],
  { to }: E2eFlags,
) {
  const tell = (report: CheckReport) => {
    if (!flags.json) terminal.stdout.write(`${row(report, output.style)}\n`);
  };
  return proveMail(runtime, { checks: names, to, tell, stop });
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

import { once } from 'node:events';
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

import { Command } from 'commander';

import { OperatorError } from '../domain/failure.ts';
import { carryOut } from '../operations/carry-out.ts';
import { type Plan, type ShownPlan, showPlan } from '../operations/plan.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { beginAct } from './acting.ts';
import { commandName } from './command-name.ts';
import type { GlobalFlags } from './flags.ts';
import { type AsText, openOutput, type Output, planAsText } from './output.ts';
import type { Reporting } from './report-failure.ts';
import type { Terminal } from './terminal.ts';
import { writtenCommand } from './written-command.ts';

/** One run of the program: what every command may use. */
export interface Session {
  readonly terminal: Terminal;
  /** Aborted at the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** Says how a failure of the running command is to be reported. */
  reporting: Reporting;
  exit: number;
  /** The program with every verb of every noun, for help and completion. */
  wholeProgram(): Promise<Command>;
}

/** Fills in a noun's verbs, arguments, flags and actions. */
export type Define = (command: Command, session: Session) => void;

/** What a command is given. */
export interface Context {
  readonly runtime: Runtime;
  readonly output: Output;
  readonly flags: GlobalFlags;
  readonly terminal: Terminal;
  readonly stop: AbortSignal;
  /** The command line as the history keeps it. */
  readonly written: string;
}

type Action = (...args: unknown[]) => Promise<void>;

/** A command that looks: it returns a value, which is printed. A signal ends it at once, as nothing is half done. */
export function looks<Args extends unknown[], T>(
  session: Session,
  look: (context: Context, ...args: Args) => Promise<T>,
  asText: AsText<T>,
): Action {
  return inContext<Args>(session, asText, async (context, ...args) => {
    context.output.result(await untilStopped(context.stop, look(context, ...args)), asText);
  });
}

/**
 * A command that acts: it returns a plan, which is shown, agreed to, and only then carried out. It holds the folder's lock from
 * before it looks until it is done, so that two acts never plan on the same facts, and leaves a line in the history.
 */
export function acts<Args extends unknown[], T extends object>(
  session: Session,
  plan: (context: Context, ...args: Args) => Promise<Plan<T>>,
  asText: AsText<T>,
): Action {
  return inContext<Args>(session, undefined, async (context, ...args) => {
    if (context.flags.dryRun) {
      const dry = await untilStopped(context.stop, plan(context, ...args));
      return context.output.result(report(dry, false), () => planAsText(showPlan(dry)));
    }
    await using acting = await beginAct(context);
    const agreed = await untilStopped(context.stop, plan(context, ...args));
    await agree(context, agreed.confirm, showPlan(agreed));
    const carriedOut = carryOutAloud(context, agreed);
    await (agreed.steps.length > 0 ? acting.record(carriedOut) : carriedOut);
    context.output.result(report(agreed, true), asText);
  });
}

/** A command that acts through another run of mailctl: that one takes the lock and leaves the line in the history. */
export function passesOn<Args extends unknown[], T extends object>(
  session: Session,
  plan: (context: Context, ...args: Args) => Promise<Plan<T>>,
  asText: AsText<T>,
): Action {
  return inContext<Args>(session, undefined, async (context, ...args) => {
    const agreed = await untilStopped(context.stop, plan(context, ...args));
    const isDry = context.flags.dryRun === true;
    if (!isDry) await carryOutAloud(context, agreed);
    context.output.result(report(agreed, !isDry), isDry ? () => planAsText(showPlan(agreed)) : asText);
  });
}

/** A command that runs on and prints for itself; it may return the exit code. */
export function runs<Args extends unknown[]>(
  session: Session,
  run: (context: Context, ...args: Args) => Promise<number | void>,
): Action {
  return inContext<Args>(session, undefined, async (context, ...args) => {
    session.exit = (await run(context, ...args)) ?? 0;
  });
}

async function carryOutAloud({ output, runtime, stop }: Context, plan: Plan<unknown>): Promise<void> {
  const told = (mark: string) => (step: { readonly what: string }) => output.note(`${mark} ${step.what}`);
  const hear = () => output.note('stopping after this step; once more ends it at once');
  stop.addEventListener('abort', hear);
  try {
    await carryOut(plan, runtime, { done: told('✔'), failed: told('✘') }, stop);
  } finally {
    stop.removeEventListener('abort', hear);
  }
}

function report<T extends object>(
  plan: Plan<T>,
  applied: boolean,
): T & { plan: ShownPlan; applied: boolean } {
  return { plan: showPlan(plan), applied, ...plan.result() };
}

async function agree(
  { flags, terminal, output }: Context,
  question: string | undefined,
  plan: ShownPlan,
): Promise<void> {
  if (question === undefined || flags.yes) return;
  output.note(planAsText(plan));
  if (!flags.input || !terminal.canAsk || flags.json) {
    throw new OperatorError('refused', `${question} Nobody could be asked; nothing was changed`, {
      hint: 'Agree with --yes, or run it in a terminal',
      data: { plan, applied: false },
    });
  }
  const prompts = await terminal.prompts();
  if (!(await prompts.confirm(question))) {
    throw new OperatorError('refused', 'not agreed to; nothing was changed', {
      hint: 'Run it again when you are ready',
    });
  }
}

function inContext<Args extends unknown[]>(
  session: Session,
  dataAsText: AsText<never> | undefined,
  run: (context: Context, ...args: Args) => Promise<void>,
): Action {
  return async (...all) => {
    const command = all.find((argument) => argument instanceof Command);
    if (!command) throw new TypeError('commander passed no command to the action');
    const { terminal, stop } = session;
    const flags = command.optsWithGlobals<GlobalFlags>();
    const output = openOutput(commandName(command), flags, terminal);
    session.reporting = reportingOf(commandName(command), flags, output, dataAsText);
    const runtime = openRuntime({ dir: folder(flags, terminal), ...terminal });
    try {
      const written = writtenCommand(command);
      await run(
        { runtime, output, flags, terminal, stop, written },
        ...(all.slice(0, all.indexOf(command)) as Args),
      );
    } finally {
      await release(runtime, stop);
    }
  };
}

/** After a signal, what was given up may hold a connection for long: the process ends without waiting for it. */
async function release(runtime: Runtime, stop: AbortSignal): Promise<void> {
  const released = Promise.resolve(runtime[Symbol.asyncDispose]());
  if (!stop.aborted) return released;
  released.catch(() => undefined);
}

/** Waits for `work` until a signal comes; what is given up this way must be harmless to give up. */
async function untilStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const stopped = once(stop, 'abort', over).then(() => Promise.reject(interrupted()));
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stopped.catch(() => undefined);
    over.abort();
  }
}

function interrupted(): OperatorError {
  return new OperatorError('interrupted', 'interrupted; nothing was changed', {
    hint: 'Run it again when you are ready',
  });
}

function reportingOf(
  command: string,
  flags: GlobalFlags,
  output: Output,
  dataAsText: Reporting['dataAsText'],
): Reporting {
  return {
    command,
    json: flags.json ?? false,
    color: flags.color,
    verbose: flags.verbose ?? false,
    warnings: output.warnings,
    dataAsText,
  };
}

/** The operator's folder; it need not be there yet, but a file in its place is refused. */
function folder({ dir }: GlobalFlags, { environment, cwd }: Terminal): string {
  const named = dir ?? environment['MAILCTL_DIR'] ?? '';
  if (cwd === undefined && !isAbsolute(named)) throw noCurrentFolder();
  const path = resolve(cwd ?? '/', named);
  if (mayBeFolder(path)) return path;
  throw new OperatorError('usage', `${path} is no folder`, {
    hint: 'Name the folder that holds .env: -C DIR',
    field: dir === undefined ? 'MAILCTL_DIR' : '--dir',
  });
}

function noCurrentFolder(): OperatorError {
  return new OperatorError('usage', 'the current folder does not exist any more', {
    hint: 'Change to another one, or name it: -C DIR',
    field: '--dir',
  });
}

/** True for a folder, and where nothing stands or can be seen: reading and writing there fail in their own words. */
function mayBeFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOTDIR');
  }
}

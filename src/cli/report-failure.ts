import { CommanderError } from 'commander';

import { maskAddresses } from '../domain/address.ts';
import { failures, OperatorError } from '../domain/failure.ts';
import { type AsText, envelope, styleFor } from './output.ts';
import { printTo } from './printable.ts';
import type { Terminal } from './terminal.ts';
import { asUsageError } from './usage-error.ts';

/** How far a command had come when it failed. */
export interface Reporting {
  readonly command: string;
  readonly json: boolean;
  readonly color: boolean;
  readonly verbose: boolean;
  readonly warnings: readonly string[];
  /** The signal that stopped the run. */
  readonly signal?: unknown;
  /** Prints what was found out before it failed. */
  readonly dataAsText?: AsText<never> | undefined;
}

/** Tells a failure once, on stderr or as the envelope, and returns the exit code. */
export function reportFailure(error: unknown, terminal: Terminal, reporting: Reporting): number {
  const failure = asOperatorError(error, reporting.command);
  if (reporting.json) {
    terminal.stdout.write(`${failureEnvelope(failure, error, reporting)}\n`);
  } else {
    if (failure?.code === 'check-failed' && failure.data !== undefined && reporting.dataAsText) {
      const text = reporting.dataAsText(failure.data as never, styleFor(terminal, reporting, 'stdout'));
      if (text !== '') printTo(terminal.stdout, `${text}\n`);
    }
    printTo(terminal.stderr, failure ? failureText(failure, terminal, reporting) : bugText(error));
  }
  return exitOf(failure, reporting);
}

/** A usage error of the parser, or what the operator can act on; undefined for our bugs. */
function asOperatorError(error: unknown, command: string): OperatorError | undefined {
  if (error instanceof OperatorError) return error;
  return error instanceof CommanderError ? asUsageError(error, command) : undefined;
}

/** An interrupted command ends as the shell expects of its signal. */
function exitOf(failure: OperatorError | undefined, { signal }: Reporting): number {
  if (failure?.code === 'interrupted' && signal === 'SIGTERM') return 143;
  return failure?.exit ?? failures.bug.exit;
}

function failureEnvelope(failure: OperatorError | undefined, error: unknown, reporting: Reporting): string {
  const data = failure?.data === undefined ? {} : { data: failure.data };
  return envelope(reporting.command, {
    ok: false,
    ...data,
    error: failure
      ? {
          code: failure.code,
          exit: exitOf(failure, reporting),
          message: failure.message,
          hint: failure.hint,
          ...(failure.field !== undefined && { field: failure.field }),
        }
      : {
          code: 'bug',
          exit: failures.bug.exit,
          message: messageOf(error),
          hint: 'Please report it with what it prints without --json',
        },
    warnings: reporting.warnings,
  });
}

function failureText(failure: OperatorError, terminal: Terminal, reporting: Reporting): string {
  const style = styleFor(terminal, reporting, 'stderr');
  const because =
    failure.cause === undefined ? [] : [`  because: ${maskAddresses(messageOf(failure.cause))}`];
  const stack =
    reporting.verbose && failure.code !== 'usage' && failure.stack ? [style.dim(failure.stack)] : [];
  return [style.red(`✘ ${failure.message}`), ...because, `  ${failure.hint}`, ...stack, ''].join('\n');
}

function bugText(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `✘ this is a bug in mailctl, please report it with what stands below\n${stack}\n`;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

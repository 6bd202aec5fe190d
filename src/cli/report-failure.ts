import { CommanderError } from 'commander';

import { maskAddresses } from '../domain/address.ts';
import { failures, OperatorError } from '../domain/failure.ts';
import { type AsText, envelope, styleFor } from './output.ts';
import type { Terminal } from './terminal.ts';

/** How far a command had come when it failed. */
export interface Reporting {
  readonly command: string;
  readonly json: boolean;
  readonly color: boolean;
  readonly verbose: boolean;
  readonly warnings: readonly string[];
  /** Prints what was found out before it failed. */
  readonly dataAsText?: AsText<never> | undefined;
}

/** Tells a failure once, on stderr or as the envelope, and returns the exit code. */
export function reportFailure(error: unknown, terminal: Terminal, reporting: Reporting): number {
  const failure = asOperatorError(error);
  if (reporting.json) {
    terminal.stdout.write(`${failureEnvelope(failure, error, reporting)}\n`);
  } else {
    if (failure?.code === 'check-failed' && failure.data !== undefined && reporting.dataAsText) {
      terminal.stdout.write(
        `${reporting.dataAsText(failure.data as never, styleFor(terminal, reporting, 'stdout'))}\n`,
      );
    }
    terminal.stderr.write(failure ? failureText(failure, terminal, reporting) : bugText(error));
  }
  return failure?.exit ?? failures.bug.exit;
}

/** A usage error of the parser, or what the operator can act on; undefined for our bugs. */
export function asOperatorError(error: unknown): OperatorError | undefined {
  if (error instanceof OperatorError) return error;
  if (!(error instanceof CommanderError)) return undefined;
  if (error.code === 'commander.help') {
    return new OperatorError('usage', 'the command needs a verb', {
      hint: 'See which there are: add --help',
    });
  }
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const hint = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  return new OperatorError('usage', message, { hint: hint || 'See what there is: mailctl --help' });
}

function failureEnvelope(failure: OperatorError | undefined, error: unknown, reporting: Reporting): string {
  const data = failure?.data === undefined ? {} : { data: failure.data };
  return envelope(reporting.command, {
    ok: false,
    ...data,
    error: failure
      ? {
          code: failure.code,
          exit: failure.exit,
          message: failure.message,
          hint: failure.hint,
          ...(failure.field !== undefined && { field: failure.field }),
        }
      : {
          code: 'bug',
          exit: failures.bug.exit,
          message: messageOf(error),
          hint: 'Please report it with the output of --verbose',
        },
    warnings: reporting.warnings,
  });
}

function failureText(failure: OperatorError, terminal: Terminal, reporting: Reporting): string {
  const style = styleFor(terminal, reporting, 'stderr');
  const because =
    failure.cause === undefined ? [] : [`  because: ${maskAddresses(messageOf(failure.cause))}`];
  const stack = reporting.verbose && failure.stack ? [style.dim(failure.stack)] : [];
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

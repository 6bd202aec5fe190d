import { type ChalkInstance, Chalk } from 'chalk';

import type { ShownPlan } from '../operations/plan.ts';
import type { GlobalFlags } from './flags.ts';
import { printTo } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** Colours, or none where the reader is no terminal. */
export type Style = ChalkInstance;

/** How a value is shown to a person. */
export type AsText<T> = (value: T, style: Style) => string;

/** Where a command's result and conversation go. */
export interface Output {
  readonly style: Style;
  readonly warnings: readonly string[];
  /** Prints the result: text, or the envelope with `--json`. */
  result<T>(value: T, asText: AsText<T>): void;
  /** A line of conversation on stderr; silent with `--quiet`. */
  note(line: string): void;
  /** A warning: on stderr, and in the envelope. */
  warn(line: string): void;
  /** One object a line, for commands that follow. */
  line(value: unknown, text: string): void;
}

/** The output of one command, named in the envelope's schema. */
export function openOutput(
  command: string,
  flags: Pick<GlobalFlags, 'json' | 'quiet' | 'color'>,
  terminal: Terminal,
): Output {
  const warnings: string[] = [];
  const style = styleFor(terminal, flags, 'stdout');
  const note = (line: string) => {
    if (!flags.quiet) printTo(terminal.stderr, `${line}\n`);
  };
  return {
    style,
    warnings,
    note,
    warn: (line) => {
      warnings.push(line);
      if (!flags.json) note(`! ${line}`);
    },
    result: (value, asText) => {
      const text = flags.json ? envelope(command, { ok: true, data: value, warnings }) : asText(value, style);
      if (text !== '') printTo(terminal.stdout, `${text.replace(/\n+$/, '')}\n`);
    },
    line: (value, text) => printTo(terminal.stdout, `${flags.json ? JSON.stringify(value) : text}\n`),
  };
}

interface Envelope {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: unknown;
  readonly warnings: readonly string[];
}

/** The one JSON object that a command prints, also when it fails. */
export function envelope(command: string, content: Envelope): string {
  const name = command === '' ? 'mailctl' : command.replaceAll(' ', '-');
  return JSON.stringify({ schema: `mailctl/${name}/v1`, ...content });
}

/** Colours as NO_COLOR, FORCE_COLOR, `--no-color` and the terminal allow. */
export function styleFor(
  { environment, ...streams }: Terminal,
  { color }: Pick<GlobalFlags, 'color'>,
  stream: 'stdout' | 'stderr',
): Style {
  const force = environment['FORCE_COLOR'] ?? '';
  const never = ['0', 'false'].includes(force) || environment['TERM'] === 'dumb';
  const refused = !color || never || (environment['NO_COLOR'] ?? '') !== '';
  const forced = force !== '';
  return new Chalk({ level: !refused && (forced || streams[stream].isTerminal) ? 1 : 0 });
}

/** A plan as a person reads it before agreeing. */
export function planAsText({ title, steps }: ShownPlan): string {
  return [title, ...steps.map(({ what }) => `  ${what}`)].join('\n');
}

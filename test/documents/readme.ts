import type { Variable } from '../../src/config/variable.ts';
import type { CommandEntry } from './command-tree.ts';

/** The document with each part between `<!-- NAME -->` and `<!-- /NAME -->` written anew. A part without its markers is an error. */
export function withParts(document: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [start, end] = [text.indexOf(open), text.indexOf(close)];
    if (start < 0 || end < start) throw new Error(`README lacks the markers ${open} and ${close}`);
    return `${text.slice(0, start + open.length)}\n\n${part}\n\n${text.slice(end)}`;
  }, document);
}

/** A heading and a table for each section of variables. */
export function variablesPart(variables: Readonly<Record<string, Variable>>): string {
  const sections = new Map<string, string[][]>();
  for (const [name, variable] of Object.entries(variables)) {
    const rows = sections.get(variable.section) ?? [];
    sections.set(variable.section, [
      ...rows,
      [code(name), origin(variable), variable.readBy.join(', '), variable.means],
    ]);
  }
  return [...sections]
    .map(
      ([section, rows]) => `### ${section}\n\n${table(['Variable', 'Default', 'Read by', 'Meaning'], rows)}`,
    )
    .join('\n\n');
}

function origin({ fallback, generated, optional, secret }: Variable): string {
  if (generated) return secret ? 'made by `init`, secret' : 'written by `init`';
  if (fallback !== undefined) return fallback === '' ? 'empty' : code(fallback);
  const kind = optional ? 'none' : 'required';
  return secret ? `${kind}, secret` : kind;
}

/** A row for each way a command can end. */
export function exitCodesPart(
  failures: Readonly<Record<string, { readonly exit: number; readonly means: string }>>,
): string {
  const rows = Object.entries(failures).map(([name, { exit, means }]) => [String(exit), code(name), means]);
  return table(['Exit', 'Code', 'Meaning'], [['0', '', 'done'], ...rows]);
}

/** A row for each webhook that AMS can get. */
export function eventsPart(
  kinds: Readonly<Record<string, { readonly told: boolean; readonly means: string }>>,
): string {
  const rows = Object.entries(kinds).filter(([, { told }]) => told);
  return table(
    ['Type', 'Meaning'],
    rows.map(([kind, { means }]) => [code(`message.${kind}`), means]),
  );
}

/** A table of commands for each group of the help, and one of the flags that every command takes. */
export function commandsPart(program: CommandEntry): string {
  const groups = new Map<string, string[][]>();
  for (const noun of program.verbs) {
    groups.set(noun.group, [...(groups.get(noun.group) ?? []), ...leaves(noun).map(commandRow)]);
  }
  const tables = [...groups].map(
    ([group, rows]) => `**${group}**\n\n${table(['Command', 'What it does'], rows)}`,
  );
  const flags = program.flags
    .filter(({ names }) => !names.includes('--version'))
    .map(({ written, means }) => [code(written), means]);
  return [
    ...tables,
    `**Flags of every command, before or after it**\n\n${table(['Flag', 'Meaning'], flags)}`,
  ].join('\n\n');
}

/** The commands that do something themselves. */
export function leaves(entry: CommandEntry): readonly CommandEntry[] {
  return [...(entry.acts ? [entry] : []), ...entry.verbs.flatMap(leaves)];
}

function commandRow({ name, operands, flags, summary }: CommandEntry): string[] {
  const words = flags.map(({ written, isRequired }) => (isRequired ? written : `[${written}]`));
  const usage = ['mailctl', name, operands, ...words];
  return [code(usage.filter(Boolean).join(' ')), summary];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

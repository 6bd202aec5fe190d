import { parse } from 'dotenv';

/** What a `.env` says, and where. */
export interface EnvFile {
  readonly values: ReadonlyMap<string, { readonly text: string; readonly line: number }>;
  readonly problems: readonly EnvFileProblem[];
}

export interface EnvFileProblem {
  readonly name: string | undefined;
  readonly line: number;
  readonly message: string;
}

const assignment = /^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)$/s;

/** Control characters and the line ends of Unicode: some readers begin a new line or value there, others do not. */
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/;

/**
 * Reads a `.env`, taking only what Docker Compose, dotenv and we read alike. Every other way of writing a value is a problem
 * that names its line and the remedy, because the services would otherwise run on different values.
 */
export function parseEnvFile(content: string): EnvFile {
  const values = new Map<string, { text: string; line: number }>();
  const problems: EnvFileProblem[] = [];
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (const [index, text] of lines.entries()) {
    const entry = readLine(text);
    if (entry === 'nothing') continue;
    const line = index + 1;
    const earlier = 'value' in entry ? values.get(entry.name) : undefined;
    if ('message' in entry) problems.push({ ...entry, line });
    else if (earlier) problems.push({ name: entry.name, line, message: repeated(earlier.line) });
    else values.set(entry.name, { text: entry.value, line });
  }
  return { values, problems };
}

type Entry =
  | { readonly name: string; readonly value: string }
  | { readonly name: string | undefined; readonly message: string };

function readLine(line: string): Entry | 'nothing' {
  const trimmed = trimBlanks(line);
  const match = assignment.exec(trimmed);
  const [, name, written = ''] = match ?? [];
  if (unprintable.test(line)) return { name, message: 'holds a control character; write it without' };
  if (trimmed === '' || trimmed.startsWith('#')) return 'nothing';
  if (name === undefined) return { name, message: 'is neither NAME=value nor a # comment' };
  const message = ambiguity(written);
  return message === undefined ? { name, value: parse(trimmed)[name] ?? '' } : { name, message };
}

/** Without the spaces and tabs around it; a loop, as the pattern for it takes quadratic time on a long row of spaces. */
function trimBlanks(line: string): string {
  let [start, end] = [0, line.length];
  while (start < end && isBlank(line, start)) start += 1;
  while (end > start && isBlank(line, end - 1)) end -= 1;
  return line.slice(start, end);
}

function isBlank(line: string, index: number): boolean {
  const letter = line[index];
  return letter === ' ' || letter === '\t';
}

const useQuotes = "put the value in single quotes: NAME='value'";

function ambiguity(written: string): string | undefined {
  const quote = written.charAt(0);
  if (quote === "'") return singleQuoted(written);
  if (quote === '"') return doubleQuoted(written);
  if (/["'`\\$]/.test(written))
    return `holds a character that Compose and dotenv read differently; ${useQuotes}`;
  if (written.includes('#')) return `holds a # that Compose and dotenv read differently; ${useQuotes}`;
  if (/[^\S \t]/.test(written)) return `holds a space that is no plain one; ${useQuotes}`;
  return undefined;
}

function singleQuoted(written: string): string | undefined {
  const [value] = /^'[^']*'(?=$|[ \t]+#)/.exec(written) ?? [];
  if (value === undefined)
    return 'has no closing single quote on the same line; a value with a single quote or several lines goes into a file: NAME_FILE=path';
  return value.endsWith("\\'") ? 'ends in a \\, which Compose takes for a part of the quote' : undefined;
}

function doubleQuoted(written: string): string | undefined {
  if (!/^"[^"]*"(?=$|[ \t]+#)/.test(written)) return 'has no closing double quote on the same line';
  if (/^"[^"]*[\\$]/.test(written))
    return `holds a \\ or $ that is read differently inside double quotes; ${useQuotes}`;
  return undefined;
}

function repeated(first: number): string {
  return `stands twice (first in line ${first}); keep one of them`;
}

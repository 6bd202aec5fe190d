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

const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/;

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
    if ('message' in entry) problems.push({ ...entry, line });
    else if (values.has(entry.name))
      problems.push({ name: entry.name, line, message: repeated(values, entry.name) });
    else values.set(entry.name, { text: entry.value, line });
  }
  return { values, problems };
}

type Entry =
  | { readonly name: string; readonly value: string }
  | { readonly name: string | undefined; readonly message: string };

function readLine(line: string): Entry | 'nothing' {
  if (/^\s*(#|$)/.test(line)) return 'nothing';
  const match = assignment.exec(line);
  if (!match) return { name: undefined, message: 'is neither NAME=value nor a # comment' };
  const [, name = '', written = ''] = match;
  const message = ambiguity(written);
  if (message !== undefined) return { name, message };
  return { name, value: parse(line)[name] ?? '' };
}

const useQuotes = "put the value in single quotes: NAME='value'";

function ambiguity(written: string): string | undefined {
  const quote = written.charAt(0);
  if (quote === "'") return singleQuoted(written);
  if (quote === '"') return doubleQuoted(written);
  if (/["'`\\$]/.test(written))
    return `holds a character that Compose and dotenv read differently; ${useQuotes}`;
  if (written.includes('#')) return `holds a # that Compose and dotenv read differently; ${useQuotes}`;
  return undefined;
}

function singleQuoted(written: string): string | undefined {
  if (/^'[^']*'(\s+#.*)?$/.test(written)) return undefined;
  return 'has no closing single quote on the same line; a value with a single quote or several lines goes into a file: NAME_FILE=path';
}

function doubleQuoted(written: string): string | undefined {
  if (!/^"[^"]*"(\s+#.*)?$/.test(written)) return 'has no closing double quote on the same line';
  if (/[\\$]/.test(written))
    return `holds a \\ or $ that is read differently inside double quotes; ${useQuotes}`;
  return undefined;
}

function repeated(values: ReadonlyMap<string, { line: number }>, name: string): string {
  return `stands twice (first in line ${values.get(name)?.line}); keep one of them`;
}

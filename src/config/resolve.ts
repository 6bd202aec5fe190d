import { doesRotate, environment, isFileVariable, type VariableName } from './environment.ts';
import type { EnvFile } from './env-file.ts';
import type { Variable } from './variable.ts';

/** Where values come from, strongest first: flags, environment, `.env`, default. Blank is unset. */
export interface Sources {
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: EnvFile | undefined;
  /** Reads a file named by `NAME_FILE`; a relative path is meant from the operator's folder. Throws an error with a `code` when it cannot. */
  readonly readFile: (path: string) => string;
}

export type Origin = 'flag' | 'environment' | '.env' | 'file' | 'default' | 'unset';

export interface Problem {
  readonly name: string;
  readonly line?: number;
  readonly message: string;
}

export type Resolved =
  | { readonly text: string | undefined; readonly origin: Origin; readonly line?: number }
  | { readonly problem: Problem };

/** The text of a variable and where it stands, before its shape is looked at. */
export function resolve(name: VariableName, fallback: string | undefined, sources: Sources): Resolved {
  const direct = lookUp(name, sources);
  const named = isFileVariable(name) ? lookUp(`${name}_FILE`, sources) : undefined;
  if (direct && named) {
    return {
      problem: problemAt(name, direct.line, `is set twice: as ${name} and as ${name}_FILE; keep one`),
    };
  }
  const unset = { text: fallback, origin: fallback === undefined ? 'unset' : 'default' } as const;
  if (named) return fromFile(name, named, sources) ?? unset;
  return direct ?? unset;
}

interface Found {
  readonly text: string;
  readonly origin: Origin;
  readonly line?: number;
}

function lookUp(name: string, { flags, environment, file }: Sources): Found | undefined {
  const flag = filled(flags?.[name]);
  if (flag !== undefined) return { text: flag, origin: 'flag' };
  const exported = filled(environment[name]);
  if (exported !== undefined) return { text: exported, origin: 'environment' };
  const written = file?.values.get(name);
  const text = filled(written?.text);
  return written && text !== undefined ? { text, origin: '.env', line: written.line } : undefined;
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}

/** Undefined for an empty file of what rotates and need not be set: it may be filled later. */
function fromFile(name: VariableName, named: Found, sources: Sources): Resolved | undefined {
  try {
    const text = filled(sources.readFile(named.text).replace(/\r?\n$/, ''));
    if (text === undefined && isFilledLater(name)) return undefined;
    if (text === undefined)
      return { problem: problemAt(`${name}_FILE`, named.line, `names ${named.text}, which is empty`) };
    if (isSecret(name) && hasSeveralLines(text)) {
      return {
        problem: problemAt(`${name}_FILE`, named.line, `names ${named.text}, which holds more than one line`),
      };
    }
    return { text, origin: 'file' };
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return {
      problem: problemAt(`${name}_FILE`, named.line, `names ${named.text}, which cannot be read (${why})`),
    };
  }
}

function isFilledLater(name: VariableName): boolean {
  const { optional, fallback }: Variable = environment[name];
  return doesRotate(name) && (optional === true || fallback !== undefined);
}

function isSecret(name: VariableName): boolean {
  const note: Variable = environment[name];
  return note.secret === true;
}

function hasSeveralLines(text: string): boolean {
  return /[\r\n\0]/.test(text);
}

function problemAt(name: string, line: number | undefined, message: string): Problem {
  return line === undefined ? { name, message } : { name, line, message };
}

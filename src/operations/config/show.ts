import { join } from 'node:path';

import { allVariables, environment, type VariableName } from '../../config/environment.ts';
import { configInvalid, describeProblem, readVariables } from '../../config/load.ts';
import { nearest } from '../../config/nearest.ts';
import type { Problem, Sources } from '../../config/resolve.ts';
import type { Variable } from '../../config/variable.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { modeText } from '../steps/files.ts';

/** One variable as `config show` prints it; the value of a secret is never in it. */
export interface ShownVariable {
  readonly name: string;
  readonly value: string | null;
  readonly origin: string;
  readonly secret: boolean;
}

/** Every variable with its value and where that stands; what is wrong with them is a list of warnings. */
export function showConfig(sources: Sources): {
  variables: readonly ShownVariable[];
  warnings: readonly string[];
} {
  const { texts, origins, problems } = readVariables(allVariables, sources);
  return {
    warnings: problems.map(describeProblem),
    variables: allVariables.map((name) => {
      const secret = isSecret(name);
      const text = texts.get(name);
      return {
        name,
        value: text === undefined ? null : secret ? '[secret]' : withoutCredentials(text),
        origin: origins.get(name) ?? 'unset',
        secret,
      };
    }),
  };
}

/** A URL with a password in it is refused, and shown without it. */
function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^/\s]*@/, '://[secret]@');
}

/** What is wrong with the configuration of every room. Throws `config-invalid` with the problems when anything is. */
export function checkConfig(sources: Sources): { problems: readonly Problem[]; warnings: readonly string[] } {
  const { problems } = readVariables(allVariables, sources);
  if (problems.length > 0) throw configInvalid(problems, sources);
  return { problems, warnings: misspelt(sources) };
}

/** A warning when others than the owner may read `.env`, which holds secrets. */
export async function looseMode({ dir, files }: Pick<Runtime, 'dir' | 'files'>): Promise<readonly string[]> {
  const path = join(dir, '.env');
  const mode = await files.modeOf(path);
  if (mode === undefined || (mode & 0o077) === 0) return [];
  return [`.env can be read by other users (mode ${modeText(mode)}): chmod 600 ${path}`];
}

/** One variable in full. */
export interface Explained {
  readonly name: string;
  readonly means: string;
  readonly section: string;
  readonly read_by: readonly string[];
  readonly default: string | null;
  readonly required: boolean;
  readonly secret: boolean;
  readonly file_variable: string | null;
  readonly value: string | null;
  readonly origin: string;
}

/** What a variable means and what it is now. Throws `usage` for a name that is none, with the nearest one. */
export function explainVariable(written: string, sources: Sources): Explained {
  const name = allVariables.find((known) => known === written.toUpperCase());
  if (!name) throw unknownVariable(written);
  const note: Variable = environment[name];
  const shown = showConfig(sources).variables.find((variable) => variable.name === name);
  return {
    name,
    means: note.means,
    section: note.section,
    read_by: note.readBy,
    default: note.fallback ?? null,
    required: note.fallback === undefined && !note.optional,
    secret: isSecret(name),
    file_variable: isSecret(name) || note.alsoFile ? `${name}_FILE` : null,
    value: shown?.value ?? null,
    origin: shown?.origin ?? 'unset',
  };
}

function isSecret(name: VariableName): boolean {
  const note: Variable = environment[name];
  return note.secret ?? false;
}

function unknownVariable(written: string): OperatorError {
  const near = nearest(written.toUpperCase(), allVariables);
  return new OperatorError('usage', `${written} is no variable of mailctl`, {
    hint: near ? `Did you mean ${near}?` : 'All of them: mailctl config show',
    field: 'NAME',
  });
}

/** Names in `.env` that are none of ours but look like one; others may belong to the operator's own services. */
function misspelt({ file }: Sources): readonly string[] {
  const known = new Set<string>(allVariables.flatMap((name) => [name, `${name}_FILE`]));
  return [...(file?.values ?? [])]
    .filter(([name]) => !known.has(name))
    .flatMap(([name, { line }]) => {
      const near = nearest(name, allVariables);
      return near ? [`${name} (.env line ${line}) is no variable of mailctl; did you mean ${near}?`] : [];
    });
}

import { OperatorError } from '../domain/failure.ts';
import type { EnvFile } from './env-file.ts';
import { type ConfigOf, environment, type VariableName, variablesReadBy } from './environment.ts';
import { type Origin, type Problem, resolve, type Sources } from './resolve.ts';
import { rules } from './rules.ts';
import type { Room, Variable } from './variable.ts';
import { weakness } from './weak-secret.ts';

/** Values, where they came from, and everything that is wrong with them. */
export interface Reading {
  readonly values: ReadonlyMap<VariableName, unknown>;
  readonly texts: ReadonlyMap<VariableName, string>;
  readonly origins: ReadonlyMap<VariableName, Origin>;
  readonly problems: readonly Problem[];
}

/** Reads the named variables and says all that is wrong, without throwing. */
export function readVariables(names: readonly VariableName[], sources: Sources): Reading {
  const values = new Map<VariableName, unknown>();
  const texts = new Map<VariableName, string>();
  const origins = new Map<VariableName, Origin>();
  const problems: Problem[] = (sources.file?.problems ?? []).map(({ name, line, message }) => ({
    name: name ?? '.env',
    line,
    message,
  }));
  for (const name of names) {
    const outcome = readOne(name, sources);
    if ('problem' in outcome) problems.push(outcome.problem);
    else values.set(name, outcome.value);
    if ('origin' in outcome) origins.set(name, outcome.origin);
    if ('text' in outcome && outcome.text !== undefined) texts.set(name, outcome.text);
  }
  problems.push(...weakSecrets(texts, values, origins));
  problems.push(...rules.map((rule) => rule(values)).filter((problem) => problem !== undefined));
  return { values, texts, origins, problems: problems.map((problem) => withLine(problem, sources, origins)) };
}

/** Adds where the value stands, if it is the one in `.env` that counts. */
function withLine(problem: Problem, { file }: Sources, origins: Reading['origins']): Problem {
  const line = file?.values.get(problem.name)?.line;
  const counts = [...origins].some(
    ([name, origin]) => name === problem.name && ['.env', 'unset'].includes(origin),
  );
  return problem.line === undefined && line !== undefined && counts ? { ...problem, line } : problem;
}

/** What a room reads, parsed. Throws `config-invalid` with every problem in the message and in `data.problems`. */
export function loadConfig<R extends Room>(room: R, sources: Sources): ConfigOf<R> {
  const { values, problems } = readVariables(variablesReadBy(room), sources);
  if (problems.length > 0) throw configInvalid(problems, sources);
  return Object.fromEntries(values) as ConfigOf<R>;
}

/** One value alone, for what must work while the rest is not usable: the default where it is missing or wrong. */
export function readOr<N extends keyof ConfigOf<'operator'>>(
  name: N,
  sources: Sources,
): ConfigOf<'operator'>[N] {
  const given = readOne(name, sources);
  const value = 'value' in given ? given : readOne(name, { ...sources, environment: {}, file: undefined });
  return ('value' in value ? value.value : undefined) as ConfigOf<'operator'>[N];
}

/** The failure that lists every problem of a configuration; the remedy depends on whether there is a `.env`. */
export function configInvalid(
  problems: readonly Problem[],
  { file }: { readonly file: EnvFile | undefined },
): OperatorError {
  const lines = problems.map(describeProblem);
  return new OperatorError('config-invalid', `the configuration is not usable:\n  ${lines.join('\n  ')}`, {
    hint: file
      ? 'Set it in .env or in the environment; what a variable means: mailctl config explain NAME'
      : 'There is no .env in this folder: mailctl init writes one, -C DIR names another folder',
    ...(problems[0] && { field: problems[0].name }),
    data: { problems },
  });
}

/** A problem on one line: the name, the line of `.env`, and what is wrong. Never a value. */
export function describeProblem({ name, line, message }: Problem): string {
  return `${name}${line === undefined ? '' : ` (.env line ${line})`} ${message}`;
}

type One =
  | { readonly value: unknown; readonly text: string | undefined; readonly origin: Origin }
  | { readonly problem: Problem; readonly origin?: Origin; readonly text?: string };

function readOne(name: VariableName, sources: Sources): One {
  const note: Variable = environment[name];
  const found = resolve(name, note.fallback, sources);
  if ('problem' in found) return found;
  const { text, origin, line } = found;
  const at = line === undefined ? { name } : { name, line };
  if (text === undefined) {
    return note.optional
      ? { value: undefined, text, origin }
      : { problem: { ...at, message: 'is not set' }, origin };
  }
  const parsed = note.shape.safeParse(text);
  if (parsed.success) return { value: parsed.data, text, origin };
  return { problem: { ...at, message: parsed.error.issues[0]?.message ?? 'is not valid' }, origin, text };
}

function weakSecrets(
  texts: ReadonlyMap<VariableName, string>,
  values: ReadonlyMap<VariableName, unknown>,
  origins: ReadonlyMap<VariableName, Origin>,
): readonly Problem[] {
  if (values.get('MAILCTL_MODE') === 'sandbox') return [];
  return [...texts].flatMap(([name, text]) => {
    const note: Variable = environment[name];
    const why = note.secret && origins.get(name) !== 'unset' ? weakness(text) : undefined;
    return why
      ? [{ name, message: `${why}; make a new one: openssl rand -base64 32 | tr '+/' '-_' | tr -d =` }]
      : [];
  });
}

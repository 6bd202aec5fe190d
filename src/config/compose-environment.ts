import {
  doesRotate,
  environment,
  isFileVariable,
  type VariableName,
  variablesReadBy,
} from './environment.ts';
import { resolve, type Sources } from './resolve.ts';
import type { Room, Variable } from './variable.ts';

/** What the stack decides itself, whatever `.env` says: addresses, and folders inside the container. */
export type Fixed = Partial<Record<VariableName, string>>;

/**
 * The `environment` of a container as Compose reads it: exactly the variables of the room. What is secret, or in a file,
 * stands as `NAME_FILE` below `secrets`; all else is taken from `.env` by Compose, with the schema's default.
 */
export function composeEnvironment(
  room: Room,
  sources: Sources,
  { fixed, secrets }: { readonly fixed: Fixed; readonly secrets: string },
): Readonly<Record<string, string>> {
  const filed = filedVariables(room, sources, fixed);
  const entries = variablesReadBy(room).flatMap((name): (readonly [string, string])[] => {
    const set = doesRotate(name) ? undefined : fixed[name];
    if (set !== undefined) return [[name, set.replaceAll('$', '$$$$')]];
    if (filed.has(name)) return [[`${name}_FILE`, `${secrets}/${name}`]];
    return isSecret(name) ? [] : [[name, reference(name)]];
  });
  return Object.fromEntries(entries);
}

/**
 * The values that a room reads from files, by name: its secrets, and what is a file by nature. Unset ones are left out, but for those that
 * rotate: a container that runs already must see what they become, so they have a file from the start, and an empty one means unset.
 */
export function filedVariables(
  room: Room,
  sources: Sources,
  fixed: Fixed,
): ReadonlyMap<VariableName, string> {
  const filed = variablesReadBy(room).flatMap((name) => {
    if (!isFileVariable(name)) return [];
    const found = resolve(name, undefined, sources);
    const text = 'text' in found ? found.text : undefined;
    const { fallback }: Variable = environment[name];
    const value = doesRotate(name) ? (text ?? fixed[name] ?? fallback ?? '') : text;
    return value === undefined ? [] : [[name, value] as const];
  });
  return new Map(filed);
}

function isSecret(name: VariableName): boolean {
  const { secret }: Variable = environment[name];
  return secret === true;
}

function reference(name: VariableName): string {
  const { fallback, optional }: Variable = environment[name];
  if (fallback === undefined && !optional) return `\${${name}:?set ${name} in .env}`;
  return `\${${name}:-${fallback ?? ''}}`;
}

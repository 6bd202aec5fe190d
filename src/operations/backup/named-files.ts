import { isAbsolute, relative, resolve } from 'node:path';

import { allVariables, isFileVariable, type VariableName } from '../../config/environment.ts';
import { readHandedOn } from './handed-on-list.ts';
import type { Workplace } from './workplace.ts';

/** A file that `.env` names in place of a value. */
export interface NamedFile {
  /** `NAME_FILE`. */
  readonly variable: string;
  readonly path: string;
  /** From the operator's folder; undefined for a file outside of it. */
  readonly inside: string | undefined;
}

/** Variables that are the path of a file with a secret in it; such a file can be made anew. */
const paths: readonly VariableName[] = ['RELAY_TLS_CERT_FILE', 'RELAY_TLS_KEY_FILE', 'BACKUP_VERIFY_KEY'];

/** Files that `.env` names with `NAME_FILE` and that do not lie in `secrets/`: without them the `.env` of a set is half of what it was. */
export async function namedFiles({ world }: Pick<Place, 'world'>): Promise<readonly NamedFile[]> {
  const { file } = await world.sources();
  const variables = [...allVariables.filter(isFileVariable).map((name) => `${name}_FILE`), ...paths];
  return variables.flatMap((variable) => {
    const text = file?.values.get(variable)?.text.trim() ?? '';
    const path = resolve(world.dir, text);
    const inside = relative(world.dir, path);
    if (text === '' || inside.startsWith('secrets/')) return [];
    const isOutside = inside.startsWith('..') || isAbsolute(inside);
    return [{ variable, path, inside: isOutside ? undefined : inside }];
  });
}

type Place = Pick<Workplace, 'world' | 'archive'>;

/** The files that belong to a set, and those of them that this process cannot read: a set that is taken now lacks them. */
export async function filesOfEnv(
  place: Place,
): Promise<{ readonly there: readonly NamedFile[]; readonly missing: readonly NamedFile[] }> {
  const handed = await readHandedOn(place);
  if (handed) return { there: [], missing: handed.missing.map((one) => ({ ...one, inside: undefined })) };
  const named = await namedFiles(place);
  const read = await Promise.all(named.map(({ path }) => place.archive.text(path).catch(() => undefined)));
  const isThere = (index: number) => read[index] !== undefined;
  return {
    there: named.filter((_, index) => isThere(index)),
    missing: named.filter((one, index) => !isThere(index) && cannotBeMadeAnew(one)),
  };
}

/** True for a file whose loss is one: certificates and the verify key can be made again. */
export function cannotBeMadeAnew({ variable }: Pick<NamedFile, 'variable'>): boolean {
  return !(paths as readonly string[]).includes(variable);
}

/** A warning in words. */
export function missingText({ variable, path }: Pick<NamedFile, 'variable' | 'path'>): string {
  if (variable.startsWith('secrets/'))
    return `${path} could not be handed on to the scheduler: the set is not complete without it`;
  return `${variable} names ${path}, which cannot be read here: the set is not complete without it`;
}

/** How `tar` is told to pack them: those of the folder by their name, others under `outside/`. */
export function packingOf(files: readonly NamedFile[]): {
  readonly flags: readonly string[];
  readonly names: readonly string[];
} {
  const flags = files.some(({ inside }) => inside === undefined) ? ['-P', '--transform=s,^/,outside/,'] : [];
  return { flags, names: [...new Set(files.map(({ path, inside }) => inside ?? path))] };
}

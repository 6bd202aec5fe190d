import { join } from 'node:path';

import { z } from 'zod';

import { type BackupSet, manifestFile } from './sets.ts';
import { setPath, type Workplace } from './workplace.ts';

/** A copy of a set elsewhere, verified by reading it back. */
export interface Copy {
  readonly to: string;
  readonly at: string;
  readonly seconds: number;
}

const file = 'copies.json';
const shape = z.array(z.object({ to: z.string(), at: z.string(), seconds: z.number() }));

/** Where a set has been copied to. */
export async function readCopies(
  { archive, shelf }: Pick<Workplace, 'archive' | 'shelf'>,
  id: string,
): Promise<readonly Copy[]> {
  const text = await archive.text(setPath({ shelf }, id, file));
  return text === undefined ? [] : shape.parse(JSON.parse(text));
}

/** Puts a copy on record; a newer one at the same place takes the place of the older. */
export async function recordCopy(
  place: Pick<Workplace, 'archive' | 'shelf'>,
  id: string,
  copy: Copy,
): Promise<void> {
  const others = (await readCopies(place, id)).filter(({ to }) => to !== copy.to);
  await place.archive.replace(setPath(place, id, file), `${JSON.stringify([...others, copy], null, 2)}\n`);
}

/** A file that goes along: data first, the manifest last, so that half a copy is no set there either. */
export interface CopiedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The files of a set in the order in which they are copied. */
export async function filesOf(
  { archive, shelf }: Workplace,
  { id, manifest, manifestSha256 }: BackupSet,
): Promise<readonly CopiedFile[]> {
  const bytes = await archive.size(join(shelf, id, manifestFile));
  const parts = manifest.parts.map(({ file: name, bytes: size, sha256 }) => ({ name, bytes: size, sha256 }));
  return [...parts, { name: manifestFile, bytes, sha256: manifestSha256 }];
}

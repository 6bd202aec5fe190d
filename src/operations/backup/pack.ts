import { join } from 'node:path';

import type { RunningProgram } from '../../adapters/programs.ts';
import { draftPath, type Workplace } from './workplace.ts';
import { writePart, type Written } from './write-part.ts';

/** Never in the open part: what holds secrets, what is only state, and the sets themselves. */
const closed = /^(\.env.*|secrets|state|backups|\..*)$/;
const secret = /^(\.env|secrets)$/;

interface Packing {
  readonly kind: 'config' | 'secrets';
  readonly id: string;
  readonly recipients: readonly string[];
}

/** Seals files of the operator's folder: the configuration, or what holds secrets. Undefined where there is none. */
export async function packFolder(
  place: Workplace,
  { kind, id, recipients }: Packing,
): Promise<Written | undefined> {
  const { world, archive, config } = place;
  const own = (name: string) => join(world.dir, name) === place.shelf || name === config.BACKUP_DIR;
  const wanted = (name: string) => (kind === 'secrets' ? secret.test(name) : !closed.test(name));
  const names = (await archive.list(world.dir)).filter((name) => wanted(name) && !own(name)).toSorted();
  if (names.length === 0) return undefined;
  const source: RunningProgram = (await world.programs()).start([
    'tar',
    '-C',
    world.dir,
    '-cf',
    '-',
    '--',
    ...names,
  ]);
  source.input.end();
  const path = draftPath(place, id, `${kind}.tar.zst.age`);
  return writePart(place, { source, path, recipients, name: kind, expected: undefined });
}

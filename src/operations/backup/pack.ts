import { join, relative, resolve } from 'node:path';

import type { Archive } from '../../adapters/archive.ts';
import { handedOnFolder, readHandedOn } from './handed-on-list.ts';
import { filesOfEnv, packingOf } from './named-files.ts';
import { draftPath, type Workplace } from './workplace.ts';
import { startPacked, writePart, type Written } from './write-part.ts';

/** What is packed of the operator's folder, which may hold anything else besides. The declarative file of Postal is where its variable says. */
const belongs: Readonly<Record<Packing['kind'], readonly string[]>> = {
  config: ['compose.yaml', 'compose.override.yaml', 'mailctl.lock.json', 'rendered'],
  secrets: ['.env', 'secrets'],
};

interface Packing {
  readonly kind: 'config' | 'secrets';
  readonly id: string;
  readonly recipients: readonly string[];
}

/** Seals files of the operator's folder: the configuration, or what holds secrets, with the files that `.env` names. Undefined where there is none. */
export async function packFolder(
  place: Workplace,
  { kind, id, recipients }: Packing,
): Promise<Written | undefined> {
  const { dir, names, flags } = (await handedNames(place, kind)) ?? (await namesThere(place, kind));
  if (names.length === 0) return undefined;
  const tar = ['tar', '-C', dir, ...flags, '--dereference', '-cf', '-', '--', ...names] as const;
  const path = draftPath(place, id, `${kind}.tar.zst.age`);
  const packed = await startPacked(place, tar, { path, recipients });
  packed.source.input.end();
  return writePart(place, packed, { name: kind, expected: undefined });
}

interface Names {
  readonly dir: string;
  readonly names: readonly string[];
  readonly flags: readonly string[];
}

/** In the scheduler of a stack: what the host handed on. */
async function handedNames(place: Workplace, kind: Packing['kind']): Promise<Names | undefined> {
  const handed = await readHandedOn(place);
  return handed && { dir: join(place.world.dir, handedOnFolder), names: handed[kind], flags: [] };
}

async function namesThere(place: Workplace, kind: Packing['kind']): Promise<Names> {
  const { archive, config, world } = place;
  const { dir } = world;
  const declared = kind === 'config' ? [config.POSTAL_PROVISION_FILE] : [];
  const inside = declared.filter((path) => !relative(dir, resolve(dir, path)).startsWith('..'));
  const names: string[] = [];
  for (const name of [...belongs[kind], ...inside])
    if (await isThere(archive, join(dir, name))) names.push(name);
  const { flags, names: named } = packingOf(kind === 'secrets' ? (await filesOfEnv(place)).there : []);
  return { dir, names: names.length === 0 ? [] : [...names, ...named], flags };
}

function isThere(archive: Archive, path: string): Promise<boolean> {
  return archive.size(path).then(
    () => true,
    () => false,
  );
}

import { join } from 'node:path';

import type { DirectoryOwner } from '../../adapters/directory-owner.ts';
import type { Workplace } from './workplace.ts';

/** The shelf, which no other run changes meanwhile. */
export interface HeldShelf {
  /** Who held it and died; undefined where it was free. */
  readonly dead: string | undefined;
  release(): Promise<void>;
}

/**
 * Takes the folder of sets for this run alone; throws `locked`, naming who has it. A holder that died holds nothing: it is named, and
 * what it left half done is removed.
 */
export async function holdShelf(place: Workplace): Promise<HeldShelf> {
  const { archive, shelf, world, config } = place;
  const folder = join(shelf, '.lock');
  await archive.makeFolder(shelf);
  await archive.makeFolder(folder);
  const owner: DirectoryOwner = await (await world.ownDirectory())(folder, config.BACKUP_OWNER_TIMEOUT);
  const { left } = owner;
  const drafts = (await archive.list(shelf)).filter((name) => /^\..*\.partial$/.test(name));
  for (const draft of drafts) await archive.remove(join(shelf, draft));
  return {
    dead: left && `process ${left.pid} on ${left.host}, since ${left.since}`,
    release: () => owner.release(),
  };
}

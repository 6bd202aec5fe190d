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
  const card = await archive.text(join(folder, 'owner.json'));
  const owner: DirectoryOwner = await (await world.ownDirectory())(folder, config.BACKUP_OWNER_TIMEOUT);
  const drafts = (await archive.list(shelf)).filter((name) => /^\..*\.partial$/.test(name));
  for (const draft of drafts) await archive.remove(join(shelf, draft));
  return { dead: card === undefined ? undefined : nameOf(card), release: () => owner.release() };
}

function nameOf(card: string): string {
  try {
    const { pid, host, since } = JSON.parse(card) as Record<string, unknown>;
    return `process ${pid} on ${host}, since ${since}`;
  } catch {
    return 'a process that left no name';
  }
}

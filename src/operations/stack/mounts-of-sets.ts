import { isAbsolute, resolve } from 'node:path';

import type { ConfigOf } from '../../config/environment.ts';

type Folders = Pick<ConfigOf<'operator'>, 'BACKUP_DIR' | 'BACKUP_COPY_DIR'>;

/**
 * How a container of ours has the folder of sets, and that of copies where there is one. Copies are where the same value leads to inside: at
 * their own path, or within the operator's folder.
 */
export function mountsOfSets({ BACKUP_DIR: sets, BACKUP_COPY_DIR: copies }: Folders): readonly string[] {
  const home = '/var/lib/mailctl';
  return [
    [asMounted(sets), `${home}/backups`],
    ...(copies === undefined ? [] : [[asMounted(copies), resolve(home, copies)]]),
  ].map((mount) => `- ${JSON.stringify(mount.join(':'))}`);
}

/** A folder as Compose takes it: what has no slash in front would be a volume. */
export function asMounted(folder: string): string {
  return isAbsolute(folder) ? folder : `./${folder}`;
}

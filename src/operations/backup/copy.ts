import { resolve } from 'node:path';

import type { ObjectStore } from '../../adapters/object-store.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Plan } from '../plan.ts';
import { type Copy, readCopies, recordCopy } from './copies.ts';
import { copyToFolder } from './copy-to-folder.ts';
import { copyToStore } from './copy-to-store.ts';
import { secondsSince } from './publish.ts';
import { publishStanding } from './run-record.ts';
import type { BackupSet } from './sets.ts';
import type { Workplace } from './workplace.ts';

/** What copying reports. */
export interface Copied {
  readonly copies: readonly (Copy & { readonly id: string })[];
}

/** Plans copies of a set to every place that is configured. Each is read back and compared before it counts. */
export async function planCopy(place: Workplace, set: BackupSet): Promise<Plan<Copied>> {
  const targets = requireTargets(place);
  return planCopies(
    place,
    targets.map((target) => ({ set, target })),
    `Copy ${set.id} to ${targets.map(({ to }) => to).join(' and ')}`,
  );
}

/** Plans a copy of every set to each place where it is not yet, the newest first. */
export async function planMissingCopies(place: Workplace, sets: readonly BackupSet[]): Promise<Plan<Copied>> {
  const targets = requireTargets(place);
  const missing: Copying[] = [];
  for (const set of sets) {
    const there = (await readCopies(place, set.id)).map(({ to }) => to);
    missing.push(...targets.filter(({ to }) => !there.includes(to)).map((target) => ({ set, target })));
  }
  const title = missing.length === 0 ? 'Every set is at every place' : `Copy sets: ${missing.length} to make`;
  return planCopies(place, missing, title);
}

interface Copying {
  readonly set: BackupSet;
  readonly target: Target;
}

function planCopies(place: Workplace, wanted: readonly Copying[], title: string): Plan<Copied> {
  const copies: Copied['copies'][number][] = [];
  return {
    title,
    steps: wanted.map(({ set, target: { to, copy } }) => ({
      do: 'copy',
      what: `copy ${set.id} to ${to}, and read it back`,
      run: async () => {
        const startMs = place.world.clock.monotonicMs();
        await copy(set);
        const done = { to, at: place.world.clock.now().toISOString(), seconds: secondsSince(place, startMs) };
        await recordCopy(place, set.id, done);
        await publishStanding(place);
        copies.push({ id: set.id, ...done });
      },
    })),
    result: () => ({ copies }),
  };
}

interface Target {
  readonly to: string;
  copy(set: BackupSet): Promise<void>;
}

/** Places are named as they are configured: a stack's scheduler sees the operator's folder under another path. */
function requireTargets(place: Workplace): readonly Target[] {
  const { BACKUP_COPY_DIR: folder, BACKUP_S3_URL: url } = place.config;
  if (folder === undefined && url === undefined) throw noTarget();
  return [
    ...(folder === undefined
      ? []
      : [
          {
            to: folder,
            copy: (set: BackupSet) => copyToFolder(place, set, resolve(place.world.dir, folder)),
          },
        ]),
    ...(url === undefined
      ? []
      : [{ to: url, copy: async (set: BackupSet) => copyToStore(place, set, await storeAt(place, url)) }]),
  ];
}

async function storeAt({ world, config }: Workplace, url: string): Promise<ObjectStore> {
  const { BACKUP_S3_KEY_ID: keyId, BACKUP_S3_SECRET: secret, BACKUP_S3_REGION: region } = config;
  if (keyId === undefined || secret === undefined) throw noCredentials();
  return (await world.objectStoreAt())({ url, region, keyId, secret, timeoutMs: config.BACKUP_S3_TIMEOUT });
}

function noTarget(): OperatorError {
  return new OperatorError('config-invalid', 'there is no place to copy sets to', {
    hint: 'Set BACKUP_COPY_DIR to a directory on another disk, or BACKUP_S3_URL to a bucket',
    field: 'BACKUP_COPY_DIR',
  });
}

function noCredentials(): OperatorError {
  return new OperatorError('config-invalid', 'BACKUP_S3_URL is set, and its credentials are not', {
    hint: 'Set BACKUP_S3_KEY_ID and BACKUP_S3_SECRET',
    field: 'BACKUP_S3_KEY_ID',
  });
}

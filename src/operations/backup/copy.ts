import { resolve } from 'node:path';

import type { ObjectStore } from '../../adapters/object-store.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Plan } from '../plan.ts';
import { type Copy, recordCopy } from './copies.ts';
import { copyToFolder } from './copy-to-folder.ts';
import { copyToStore } from './copy-to-store.ts';
import { secondsSince } from './publish.ts';
import { publishStanding } from './run-record.ts';
import type { BackupSet } from './sets.ts';
import type { Workplace } from './workplace.ts';

/** What copying reports. */
export interface Copied {
  readonly id: string;
  readonly copies: readonly Copy[];
}

/** Plans copies of a set to every place that is configured. Each is read back and compared before it counts. */
export async function planCopy(place: Workplace, set: BackupSet): Promise<Plan<Copied>> {
  const targets = await targetsOf(place);
  if (targets.length === 0) throw noTarget();
  const copies: Copy[] = [];
  return {
    title: `Copy ${set.id} to ${targets.map(({ to }) => to).join(' and ')}`,
    steps: targets.map(({ to, copy }) => ({
      do: 'copy',
      what: `copy ${set.id} to ${to}, and read it back`,
      run: async () => {
        const startMs = place.world.clock.monotonicMs();
        await copy(set);
        const done = { to, at: place.world.clock.now().toISOString(), seconds: secondsSince(place, startMs) };
        await recordCopy(place, set.id, done);
        await publishStanding(place);
        copies.push(done);
      },
    })),
    result: () => ({ id: set.id, copies }),
  };
}

interface Target {
  readonly to: string;
  copy(set: BackupSet): Promise<void>;
}

async function targetsOf(place: Workplace): Promise<readonly Target[]> {
  const { BACKUP_COPY_DIR: folder, BACKUP_S3_URL: url } = place.config;
  const path = folder === undefined ? undefined : resolve(place.world.dir, folder);
  return [
    ...(path === undefined ? [] : [{ to: path, copy: (set: BackupSet) => copyToFolder(place, set, path) }]),
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

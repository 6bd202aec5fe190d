import { join } from 'node:path';

import { type Figure, recordFigures } from '../../upkeep/figures.ts';
import { readCopies } from './copies.ts';
import { type BackupStanding, backupStanding } from './standing.ts';
import type { Workplace } from './workplace.ts';

interface Outcome {
  readonly ok: boolean;
  readonly id: string;
  readonly seconds: number;
  readonly error?: string;
}

type Act = 'backup' | 'backup-verify';
type Place = Pick<Workplace, 'world' | 'archive' | 'shelf'>;

/**
 * Leaves in `state/runs/` how a run ended, and the figures that the scheduler publishes. The last success stays named beside a failure.
 */
export async function recordRun(place: Place, name: Act, outcome: Outcome): Promise<void> {
  const { world, archive } = place;
  const folder = join(world.dir, 'state', 'runs');
  const path = join(folder, `${name}.json`);
  await archive.makeFolder(folder);
  const at = world.clock.now().toISOString();
  const before = (await readRecord(place, name))?.last_success;
  const success = outcome.ok ? { at, id: outcome.id, seconds: outcome.seconds } : before;
  await archive.replace(
    path,
    `${JSON.stringify({ at, ...outcome, last_success: success ?? null }, null, 2)}\n`,
  );
  await publishStanding(place);
}

interface RunRecord {
  readonly ok?: boolean;
  readonly last_success?: { readonly seconds?: number } | null;
}

async function readRecord({ world, archive }: Place, name: Act): Promise<RunRecord | undefined> {
  try {
    return JSON.parse((await archive.text(join(world.dir, 'state', 'runs', `${name}.json`))) ?? '{}');
  } catch {
    return undefined;
  }
}

/** Leaves the figures of the sets and of the last runs for the scheduler to publish. */
export async function publishStanding(place: Place): Promise<void> {
  const standing = await backupStanding(place.world);
  const { newest } = standing;
  const copies = newest ? (await readCopies(place, newest.id)).length : 0;
  const [run, verify] = [await readRecord(place, 'backup'), await readRecord(place, 'backup-verify')];
  await recordFigures(place.world, 'backup', [
    ...figuresOf(standing, copies),
    ...figuresOfAct('run', run),
    ...figuresOfAct('verify', verify),
  ]);
}

function figuresOf(
  { last, proven, sets, strict, newest }: BackupStanding,
  copies: number,
): readonly Figure[] {
  const bytes = newest?.manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  return [
    figure('mailctl_backup_sets', 'Sets that exist', sets),
    figure('mailctl_backup_strict', '1 where nothing on this host opens sets', strict ? 1 : 0),
    figure('mailctl_backup_last_set_timestamp_seconds', 'When the newest set was complete', secondsOf(last)),
    figure(
      'mailctl_backup_last_proof_timestamp_seconds',
      'When a set was last proven by restoring it',
      secondsOf(proven),
    ),
    figure('mailctl_backup_last_set_size_bytes', 'Octets of the newest set', bytes),
    figure('mailctl_backup_last_set_copies', 'Places elsewhere that have the newest set', copies),
  ].flat();
}

function figuresOfAct(act: string, record: RunRecord | undefined): readonly Figure[] {
  const failed = record?.ok === undefined ? undefined : Number(!record.ok);
  return [
    figure('mailctl_backup_last_failed', '1 where the last run of it failed', failed, { act }),
    figure(
      'mailctl_backup_last_success_duration_seconds',
      'How long its last good run took',
      record?.last_success?.seconds,
      { act },
    ),
  ].flat();
}

function secondsOf(at: string | null): number | undefined {
  return at === null ? undefined : Date.parse(at) / 1000;
}

/** None where there is no value: an age of nothing would be a lie. */
function figure(
  name: string,
  help: string,
  value: number | undefined,
  labels: Figure['labels'] = {},
): readonly Figure[] {
  return value === undefined ? [] : [{ name, help, labels, value }];
}

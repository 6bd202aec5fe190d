import { hostname } from 'node:os';
import { join } from 'node:path';

import {
  type Manifest,
  type Part,
  shrunk,
  type Shrunk,
  type Store,
  type TableRows,
} from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { migrations, migrationStatus } from '../../store/migrate.ts';
import { filesOfEnv } from './named-files.ts';
import type { HeldShelf } from './one-run.ts';
import type { Encryption } from './recipients.ts';
import { recordRun } from './run-record.ts';
import { addProof, type BackupSet, manifestFile, manifestText, sha256 } from './sets.ts';
import { draftPath, setPath, type Workplace } from './workplace.ts';

/** What the operator wants of a run. */
export interface WantedRun {
  readonly only: Store | undefined;
  readonly acceptShrink: boolean;
  readonly postpone: boolean;
}

/** A run under way. */
export interface Running {
  readonly place: Workplace;
  readonly wanted: WantedRun;
  readonly id: string;
  readonly encryption: Encryption;
  readonly last: BackupSet | undefined;
  readonly startedAt: Date;
  readonly startMs: number;
  readonly held: HeldShelf;
  readonly parts: Part[];
  /** What goes on beside the dumps. */
  readonly beside: Meanwhile[];
  /** Ends that. */
  readonly broken: AbortController;
}

/** The packing of the folder, or the proof of what was written. */
export interface Meanwhile {
  readonly kind: 'packing' | 'proof';
  readonly done: Promise<void>;
}

/** The order of a set's files in its manifest. */
const kinds: readonly Part['kind'][] = ['postgres', 'mariadb', 'config', 'secrets'];

/** Seconds since a monotonic time, to the millisecond. */
export function secondsSince({ world }: Workplace, startMs: number): number {
  return Math.round(world.clock.monotonicMs() - startMs) / 1000;
}

/** Puts a set in place: compares its rows with the last one, writes the manifest, and gives it its name. */
export async function publish(running: Running): Promise<BackupSet> {
  const { place, id, startedAt, startMs, encryption, parts } = running;
  refuseShrunk(running);
  const missing = (await filesOfEnv(place)).missing.map(({ variable }) => variable);
  const manifest: Manifest = {
    format: 1,
    id,
    created_at: startedAt.toISOString(),
    seconds: secondsSince(place, startMs),
    host: hostname(),
    encryption,
    migration: await migrationOf(running),
    images: await lockedImages(place),
    parts: parts.toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind)),
    ...(missing.length > 0 && { missing }),
  };
  const text = manifestText(manifest);
  await place.archive.replace(draftPath(place, id, manifestFile), text);
  await place.archive.publish(draftPath(place, id), setPath(place, id));
  const set = { id, manifest, manifestSha256: sha256(text), proofs: [] };
  const proof = {
    at: place.world.clock.now().toISOString(),
    how: 'written' as const,
    seconds: manifest.seconds,
    tables: 0,
  };
  await addProof(place, set, proof);
  await recordRun(place, 'backup', { ok: true, id, seconds: manifest.seconds });
  return { ...set, proofs: [{ ...proof, manifest_sha256: set.manifestSha256 }] };
}

async function migrationOf({ place, parts }: Running): Promise<number | null> {
  if (!parts.some(({ kind }) => kind === 'postgres')) return null;
  const { applied } = await migrationStatus(await place.world.postgres(), await migrations());
  return applied.at(-1) ?? null;
}

/** The digests of the images that the stack was started from, where it has been. */
async function lockedImages({ world, archive }: Workplace): Promise<Readonly<Record<string, string>>> {
  const text = await archive.text(join(world.dir, 'mailctl.lock.json'));
  const found: [string, string][] = [];
  const walk = (value: unknown, name: string): void => {
    if (typeof value === 'string') found.push([name, value]);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, name === '' ? key : `${name}.${key}`);
    }
  };
  if (text !== undefined) walk(JSON.parse(text), '');
  return Object.fromEntries(found);
}

function refuseShrunk({ place, wanted, last, parts }: Running): void {
  if (!last || wanted.acceptShrink) return;
  const kinds = new Set(parts.map(({ kind }) => kind));
  const { BACKUP_SHRINK_PERCENT: percent, BACKUP_SHRINK_LEAST: least } = place.config;
  const before = tablesOf(last.manifest.parts.filter(({ kind }) => kinds.has(kind)));
  const gone = shrunk(before, tablesOf(parts), { percent, least });
  if (gone.length > 0) throw shrank(last.id, gone);
}

function tablesOf(parts: readonly Part[]): readonly TableRows[] {
  return parts.flatMap(({ tables }) => tables);
}

function shrank(id: string, gone: readonly Shrunk[]): OperatorError {
  const lines = gone.map(({ database, table, was, is }) => `${database}.${table}: ${was} rows, now ${is}`);
  return new OperatorError('check-failed', `far fewer rows than in ${id}:\n  ${lines.join('\n  ')}`, {
    hint: 'Find out who deleted them. If it is right: mailctl backup run --accept-shrink',
    field: '--accept-shrink',
    data: { shrunk: gone },
  });
}

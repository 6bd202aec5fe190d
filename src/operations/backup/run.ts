import { hostname } from 'node:os';
import { join } from 'node:path';

import {
  type Manifest,
  type Part,
  setIdAt,
  shrunk,
  type Shrunk,
  type Store,
  type TableRows,
} from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { migrations, migrationStatus } from '../../store/migrate.ts';
import type { Plan, Step } from '../plan.ts';
import { dumpMariadb } from './dump-mariadb.ts';
import { type Dumped, dumpPostgres } from './dump-postgres.ts';
import { hasMariadb, mariadbAccess } from './mariadb-access.ts';
import { holdShelf, type HeldShelf } from './one-run.ts';
import { packFolder } from './pack.ts';
import { provePart } from './prove-part.ts';
import { type Encryption, encryptionOf } from './recipients.ts';
import { recordRun } from './run-record.ts';
import { addProof, type BackupSet, listSets, manifestFile, manifestText, sha256 } from './sets.ts';
import { type ShownSet, shownSet } from './show.ts';
import { keepOutOfWindow } from './window.ts';
import { draftPath, setPath, type Workplace } from './workplace.ts';
import type { Written } from './write-part.ts';

/** What the operator wants of a run. */
export interface WantedRun {
  readonly only: Store | undefined;
  readonly acceptShrink: boolean;
  readonly postpone: boolean;
}

/** What a run reports. */
export interface Ran {
  readonly set: ShownSet | null;
}

interface Running {
  readonly place: Workplace;
  readonly wanted: WantedRun;
  readonly id: string;
  readonly encryption: Encryption;
  readonly last: BackupSet | undefined;
  readonly startedAt: Date;
  readonly startMs: number;
  readonly held: HeldShelf;
  readonly parts: Part[];
}

/** Plans a set. Nothing of it has its final name before all of it is proven, so what breaks off leaves earlier sets as they were. */
export async function planRun(place: Workplace, wanted: WantedRun): Promise<Plan<Ran>> {
  const encryption = await encryptionOf(place);
  const stores = storesOf(place, wanted);
  const sets = await listSets(place);
  const last = sets.find(({ manifest }) =>
    stores.every((store) => manifest.parts.some(({ kind }) => kind === store)),
  );
  if (stores.includes('mariadb')) {
    await mariadbAccess(place);
    await keepOutOfWindow(place, { last, postpone: wanted.postpone });
  }
  const startedAt = place.world.clock.now();
  const id = setIdAt(startedAt, place.world.random.letters(4));
  let running: Running | undefined;
  let made: BackupSet | undefined;
  const guarding = (work: () => Promise<void>) => guard(place, id, () => running, work);
  const begin = async () => {
    const held = await holdShelf(place);
    if (held.dead !== undefined) place.warn(`took over the lock of ${held.dead}: that process is dead`);
    await place.archive.makeFolder(draftPath(place, id));
    const startMs = place.world.clock.monotonicMs();
    running = { place, wanted, id, encryption, last, startedAt, startMs, held, parts: [] };
  };
  const guarded = (step: Omit<Step, 'run'>, work: (running: Running) => Promise<void>): Step => ({
    ...step,
    run: () => guarding(async () => work(requireRunning(running))),
  });
  return {
    title: `Take the set ${id} of ${stores.map(nameOf).join(' and ')}`,
    steps: [
      {
        do: 'lock',
        what: `hold ${place.config.BACKUP_DIR}, so that no other run is in the way`,
        run: () => guarding(begin),
      },
      ...stores.map((store) =>
        guarded({ do: 'dump', what: `dump ${nameOf(store)}, sealed with age` }, (now) => dump(now, store)),
      ),
      guarded(
        { do: 'seal', what: 'seal the configuration, and .env with the keys to the escrow key alone' },
        packAll,
      ),
      guarded(
        { do: 'publish', what: 'compare rows with the set before, and write the manifest' },
        async (now) => {
          made = await publish(now);
          await now.held.release();
        },
      ),
    ],
    result: () => ({ set: made ? shownSet(made) : null }),
  };
}

function nameOf(store: Store): string {
  return store === 'postgres' ? 'PostgreSQL' : 'MariaDB';
}

/** Sandboxes have no MariaDB; elsewhere a set without it must be asked for. */
function storesOf(place: Workplace, { only }: WantedRun): readonly Store[] {
  if (only !== undefined) return [only];
  return place.config.MAILCTL_MODE === 'sandbox' && !hasMariadb(place)
    ? ['postgres']
    : ['postgres', 'mariadb'];
}

function requireRunning(running: Running | undefined): Running {
  if (running) return running;
  throw new TypeError('a step of a backup ran before the folder was held');
}

/** Does a step's work; when it fails or is stopped, nothing of the set stays, and the failure is put on record. */
async function guard(
  place: Workplace,
  id: string,
  running: () => Running | undefined,
  work: () => Promise<void>,
): Promise<void> {
  try {
    if (place.stop.aborted) throw stopped();
    await work();
    if (place.stop.aborted && !(await isPublished(place, id))) throw stopped();
  } catch (error) {
    await running()?.place.archive.remove(draftPath(place, id));
    await running()?.held.release();
    await recordRun(place, 'backup', {
      ok: false,
      id,
      seconds: 0,
      error: error instanceof Error ? error.message : 'failed',
    });
    throw error;
  }
}

function isPublished(place: Workplace, id: string): Promise<boolean> {
  return place.archive.size(setPath(place, id)).then(
    () => true,
    () => false,
  );
}

function stopped(): OperatorError {
  return new OperatorError('interrupted', 'interrupted; nothing was kept of this run', {
    hint: 'Run it again when you are ready',
  });
}

const files: Readonly<Record<Store, string>> = {
  postgres: 'postgres.dump.zst.age',
  mariadb: 'mariadb.sql.zst.age',
};

async function dump(running: Running, store: Store): Promise<void> {
  const { place, id, encryption, last, parts } = running;
  const startedAt = place.world.clock.now();
  const startMs = place.world.clock.monotonicMs();
  const expected = last?.manifest.parts.find(({ kind }) => kind === store)?.plain_bytes;
  const target = { path: draftPath(place, id, files[store]), recipients: openTo(encryption), expected };
  const dumped: Dumped = await (store === 'postgres' ? dumpPostgres : dumpMariadb)(place, target);
  await provePart(place, { kind: store, version: dumped.server, written: dumped });
  const { tool, server, position, tables } = dumped;
  const part = partOf({ kind: store, file: files[store], written: dumped, encryption, startedAt });
  parts.push({ ...part, seconds: secondsSince(place, startMs), tool, server, position, tables });
}

function openTo({ escrow, verify }: Encryption): readonly string[] {
  return verify === null ? [escrow] : [escrow, verify];
}

async function packAll({ place, id, encryption, parts }: Running): Promise<void> {
  for (const kind of ['config', 'secrets'] as const) {
    const startedAt = place.world.clock.now();
    const recipients = kind === 'config' ? openTo(encryption) : [encryption.escrow];
    const written = await packFolder(place, { kind, id, recipients });
    if (!written) continue;
    await provePart(place, { kind, version: '', written });
    parts.push(partOf({ kind, file: `${kind}.tar.zst.age`, written, encryption, startedAt }));
  }
}

interface PartFacts {
  readonly kind: Part['kind'];
  readonly file: string;
  readonly written: Written;
  readonly encryption: Encryption;
  readonly startedAt: Date;
}

function partOf({ kind, file, written, encryption, startedAt }: PartFacts): Part {
  const closed = kind === 'secrets' || encryption.verify === null;
  return {
    kind,
    file,
    bytes: written.bytes,
    sha256: written.sha256,
    plain_bytes: written.plainBytes,
    sealed_to: closed ? ['escrow'] : ['escrow', 'verify'],
    tool: 'tar',
    server: null,
    position: null,
    started_at: startedAt.toISOString(),
    seconds: 0,
    tables: [],
  };
}

function secondsSince({ world }: Workplace, startMs: number): number {
  return Math.round(world.clock.monotonicMs() - startMs) / 1000;
}

async function publish(running: Running): Promise<BackupSet> {
  const { place, id, startedAt, startMs, encryption, parts } = running;
  refuseShrunk(running);
  const manifest: Manifest = {
    format: 1,
    id,
    created_at: startedAt.toISOString(),
    seconds: secondsSince(place, startMs),
    host: hostname(),
    encryption,
    migration: await migrationOf(running),
    images: await lockedImages(place),
    parts,
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
  const tablesOf = (each: readonly Part[]): readonly TableRows[] => each.flatMap(({ tables }) => tables);
  const kinds = new Set(parts.map(({ kind }) => kind));
  const { BACKUP_SHRINK_PERCENT: percent, BACKUP_SHRINK_LEAST: least } = place.config;
  const before = tablesOf(last.manifest.parts.filter(({ kind }) => kinds.has(kind)));
  const gone = shrunk(before, tablesOf(parts), { percent, least });
  if (gone.length > 0) throw shrank(last.id, gone);
}

function shrank(id: string, gone: readonly Shrunk[]): OperatorError {
  const lines = gone.map(({ database, table, was, is }) => `${database}.${table}: ${was} rows, now ${is}`);
  return new OperatorError('check-failed', `far fewer rows than in ${id}:\n  ${lines.join('\n  ')}`, {
    hint: 'Find out who deleted them. If it is right: mailctl backup run --accept-shrink',
    field: '--accept-shrink',
    data: { shrunk: gone },
  });
}

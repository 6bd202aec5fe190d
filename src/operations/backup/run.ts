import { type Part, setIdAt, type Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Plan, Step } from '../plan.ts';
import { dumpMariadb } from './dump-mariadb.ts';
import { type Dumped, dumpPostgres } from './dump-postgres.ts';
import { hasMariadb, mariadbAccess } from './mariadb-access.ts';
import { holdShelf } from './one-run.ts';
import { packFolder } from './pack.ts';
import { provePart, type Proving } from './prove-part.ts';
import { type Meanwhile, publish, type Running, secondsSince, type WantedRun } from './publish.ts';
import { type Encryption, encryptionOf } from './recipients.ts';
import { recordRun } from './run-record.ts';
import { type BackupSet, lastSetWith } from './sets.ts';
import { type ShownSet, shownSet } from './show.ts';
import { keepOutOfWindow } from './window.ts';
import { draftPath, setPath, type Workplace } from './workplace.ts';
import type { Written } from './write-part.ts';

/** What a run reports. */
export interface Ran {
  readonly set: ShownSet | null;
}

/** Plans a set. Nothing of it has its final name before all of it is proven, so what breaks off leaves earlier sets as they were. */
export async function planRun(place: Workplace, wanted: WantedRun): Promise<Plan<Ran>> {
  const stores = storesOf(place, wanted);
  const begin = await beginning(place, wanted, stores);
  let running: Running | undefined;
  let made: BackupSet | undefined;
  const step = (words: Omit<Step, 'run'>, work: () => Promise<void>): Step => ({
    ...words,
    run: () => guard(place, begin.id, () => running, work),
  });
  const lock = `hold ${place.config.BACKUP_DIR}, so that no other run is in the way`;
  return {
    title: `Take the set ${begin.id} of ${stores.map(nameOf).join(' and ')}`,
    steps: [
      step({ do: 'lock', what: lock }, async () => {
        running = await begin.hold();
      }),
      ...stores.map((store) =>
        step({ do: 'dump', what: `dump ${nameOf(store)}, sealed with age and read back` }, () =>
          dump(held(running), store),
        ),
      ),
      step(
        { do: 'seal', what: 'seal the configuration, and .env with the keys to the escrow key alone' },
        () => all(held(running), 'packing'),
      ),
      step(
        { do: 'prove', what: 'see that pg_restore lists the dump of PostgreSQL, and that nothing is empty' },
        () => all(held(running), 'proof'),
      ),
      step({ do: 'publish', what: 'compare rows with the set before, and write the manifest' }, async () => {
        made = await publish(held(running));
        await held(running).held.release();
      }),
    ],
    result: () => ({ set: made ? shownSet(made) : null }),
  };
}

async function beginning(place: Workplace, wanted: WantedRun, stores: readonly Store[]) {
  const { clock, random } = place.world;
  const encryption = await encryptionOf(place);
  if (stores.includes('mariadb')) {
    await mariadbAccess(place);
    const last = await lastSetWith(place, stores);
    await keepOutOfWindow(place, { last, postpone: wanted.postpone });
  }
  const startedAt = clock.now();
  const id = setIdAt(startedAt, random.letters(4));
  const hold = async (): Promise<Running> => {
    const held = await holdShelf(place);
    const last = await lastSetWith(place, stores);
    if (held.dead !== undefined) place.warn(`took over the lock of ${held.dead}: that process is dead`);
    await place.archive.makeFolder(draftPath(place, id));
    const startMs = clock.monotonicMs();
    const broken = new AbortController();
    const running = {
      place,
      wanted,
      id,
      encryption,
      last,
      startedAt,
      startMs,
      held,
      parts: [],
      beside: [],
      broken,
    };
    return running;
  };
  return { id, hold };
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

function held(running: Running | undefined): Running {
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
    await discard(running());
    await recordRun(place, 'backup', {
      ok: false,
      id,
      seconds: 0,
      error: error instanceof Error ? error.message : 'failed',
    });
    throw error;
  }
}

/** Removes what was written, once nothing reads it any more, and lets others run. */
async function discard(running: Running | undefined): Promise<void> {
  if (!running) return;
  running.broken.abort();
  await Promise.allSettled(running.beside.map(({ done }) => done));
  await running.place.archive.remove(draftPath(running.place, running.id));
  await running.held.release();
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
  const expected = last?.manifest.parts.find(({ kind }) => kind === store)?.bytes;
  const recipients = openTo(encryption);
  const begun = () => packAll(running);
  const target = { path: draftPath(place, id, files[store]), recipients, expected, begun };
  const dumped: Dumped = await (store === 'postgres' ? dumpPostgres : dumpMariadb)(place, target);
  prove(running, { kind: store, version: dumped.server, written: dumped });
  const { tool, server, position, noPosition, octets, tables } = dumped;
  const part = partOf({ kind: store, file: files[store], written: dumped, encryption, startedAt });
  const why = noPosition !== undefined && { no_position: noPosition };
  const how = { tool, server, position, ...why, ...(octets && { octets }) };
  parts.push({ ...part, seconds: secondsSince(place, startMs), ...how, tables });
}

/** Begins to prove what was written. */
function prove(running: Running, proving: Proving): void {
  meanwhile(running, 'proof', (place) => provePart(place, proving));
}

/** Begins what goes on while the next is dumped; what fails of it is heard of by the step that waits for it. */
function meanwhile(
  { place, beside, broken }: Running,
  kind: Meanwhile['kind'],
  work: (place: Workplace) => Promise<void>,
): void {
  const stop = AbortSignal.any([place.stop, broken.signal]);
  const done = work({ ...place, stop });
  done.catch(() => undefined);
  beside.push({ kind, done });
}

async function all({ beside }: Running, kind: Meanwhile['kind']): Promise<void> {
  await Promise.all(beside.filter((one) => one.kind === kind).map(({ done }) => done));
}

function openTo({ escrow, verify }: Encryption): readonly string[] {
  return verify === null ? [escrow] : [escrow, verify];
}

/** The configuration and the keys are small: both are sealed while the first store is dumped, which does not wait for that. */
function packAll(running: Running): void {
  if (running.beside.some(({ kind }) => kind === 'packing')) return;
  const { id, encryption, parts } = running;
  meanwhile(running, 'packing', async (place) => {
    for (const kind of ['config', 'secrets'] as const) {
      const startedAt = place.world.clock.now();
      const recipients = kind === 'config' ? openTo(encryption) : [encryption.escrow];
      const written = await packFolder(place, { kind, id, recipients });
      if (!written) continue;
      prove(running, { kind, version: '', written });
      parts.push(partOf({ kind, file: `${kind}.tar.zst.age`, written, encryption, startedAt }));
    }
  });
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

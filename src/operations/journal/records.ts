import { resolve } from 'node:path';

import type { WholeFiles } from '../../adapters/disk.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { listDamaged } from '../../upkeep/damaged-records.ts';
import { listRequeued, listSetAside, readSetAside } from '../../upkeep/set-aside.ts';

const variable = 'RELAY_JOURNAL_DIR';

/** Why a record is not simply on its way: the api refused it, its octets are damaged, or it waits to be taken in again. */
export type RecordKind = 'refused' | 'damaged' | 'requeued';

/** A record that the relay keeps aside, in the form of the report. */
export interface ShownRecord {
  /** The message id; the place in the journal where it has no readable one. */
  readonly id: string;
  readonly kind: RecordKind;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  readonly bytes: number;
}

/** The relay's journal as an operator reaches it: its files beside the segments, which the relay alone touches. */
export interface JournalFiles {
  readonly disk: WholeFiles;
  readonly directory: string;
}

/** What finding a journal needs. */
type JournalWorld = Pick<Runtime, 'dir' | 'config' | 'disk' | 'addresses' | 'docker' | 'filesIn'>;

/**
 * Finds the journal of this machine's relay: in the relay's container on the host of a stack, else on the disk. Throws `unreachable` where
 * there is none, `access-denied` where it may not be seen.
 */
export async function findJournal(world: JournalWorld): Promise<JournalFiles> {
  const files = (await world.addresses.onHost()) ? await inContainer(world) : await onDisk(world);
  await listSetAside(files.disk, files.directory).catch((cause: unknown) => {
    throw unusable(files.directory, cause);
  });
  return files;
}

async function onDisk({ dir, config, disk }: JournalWorld): Promise<JournalFiles> {
  return { disk: await disk(), directory: resolve(dir, (await config('operator')).RELAY_JOURNAL_DIR) };
}

/** Where the journal stands inside is what the relay itself was told. */
async function inContainer({ config, docker, filesIn }: JournalWorld): Promise<JournalFiles> {
  const containers = await (await docker()).containers();
  const relay = containers.find(
    ({ service, oneOff, state }) => service === 'relay' && !oneOff && state === 'running',
  );
  if (!relay) throw notRunning();
  const told = relay.environment.find((line) => line.startsWith(`${variable}=`));
  const directory = told?.slice(variable.length + 1) ?? (await config('operator')).RELAY_JOURNAL_DIR;
  return { disk: await filesIn(relay.id), directory };
}

/** Every record that is kept aside: refused ones first, then damaged ones, then those handed back; each kind oldest first. */
export async function listRecords({ disk, directory }: JournalFiles): Promise<readonly ShownRecord[]> {
  const [refused, damaged, requeued] = await Promise.all([
    listSetAside(disk, directory),
    listDamaged(disk, directory),
    listRequeued(disk, directory),
  ]);
  const described = (names: readonly string[], kind: RecordKind) =>
    Promise.all(names.map((name) => describe({ disk, directory }, name, kind)));
  return [
    ...(await described(refused, 'refused')),
    ...damaged.map(({ name, bytes, since }) => ({
      id: name,
      kind: 'damaged' as const,
      reason: placeOf(name),
      since: since.toISOString(),
      bytes,
    })),
    ...(await described(requeued, 'requeued')),
  ].filter((record) => record !== undefined);
}

/** Undefined when it is gone, which the relay may do at any moment to what was handed back. */
async function describe(
  { disk, directory }: JournalFiles,
  name: string,
  kind: RecordKind,
): Promise<ShownRecord | undefined> {
  const found = await readSetAside(disk, directory, name).catch((cause: unknown) => {
    if (codeOf(cause) !== 'ENOENT') throw cause;
    return undefined;
  });
  if (!found) return undefined;
  const { reason, refusedAt, bytes } = found.entry;
  return { id: name, kind, reason, since: refusedAt, bytes };
}

/** `7-4096-220` is segment, octet and length. */
function placeOf(name: string): string {
  const [segment, from] = name.split('-');
  return `cannot be read: octet ${from} of segment ${segment}`;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function unusable(directory: string, cause: unknown): OperatorError {
  const code = codeOf(cause);
  const note = { field: variable, cause };
  if (code === 'EACCES' || code === 'EPERM')
    return new OperatorError('access-denied', `the journal in ${directory} may not be read`, {
      ...note,
      hint: "Run it as the relay's user: the records belong to it",
    });
  return new OperatorError('unreachable', `there is no journal of a relay in ${directory}`, {
    ...note,
    hint: 'Run it where the relay runs, with its RELAY_JOURNAL_DIR: in its container, or on its machine',
  });
}

function notRunning(): OperatorError {
  return new OperatorError('unreachable', 'the relay does not run, and its journal is in its container', {
    field: variable,
    hint: 'Start it: mailctl up relay --only',
  });
}

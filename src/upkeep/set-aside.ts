import { join } from 'node:path';

import { z } from 'zod';

import type { Disk, WholeFiles } from '../adapters/disk.ts';
import { decodeSubmission } from '../domain/submission-codec.ts';

const refusedFolder = 'refused';
const requeuedFolder = 'requeued';
const suffix = '.record';

const description = z.object({
  /** The message id, or the record's place in the journal where it has no readable one. */
  name: z.string(),
  reason: z.string(),
  refusedAt: z.string(),
  receivedAt: z.string().optional(),
  mailFrom: z.string().optional(),
  rcptTo: z.array(z.string()).readonly().optional(),
  bytes: z.number(),
});

/** A record as the relay read it from its journal. */
interface ReadRecord {
  readonly at: { readonly segment: number; readonly offset: number };
  readonly payload: Buffer;
}

/** A record that the api refused for good: accepted by us, and the operator decides what becomes of it. */
export type SetAside = Readonly<z.output<typeof description>>;

/** A record with the octets that were accepted. */
export interface SetAsideRecord {
  readonly entry: SetAside;
  readonly payload: Buffer;
  /** It was handed back, and the relay has still to take it in. */
  readonly isRequeued: boolean;
}

/** Makes the folders that records are set aside in. */
export async function openSetAside(disk: Disk, directory: string): Promise<void> {
  await disk.makeDirectory(join(directory, refusedFolder));
  await disk.makeDirectory(join(directory, requeuedFolder));
}

/** Keeps a refused record with its reason; durable when it resolves. The same record again replaces the first. */
export async function setAside(
  disk: WholeFiles,
  directory: string,
  record: ReadRecord,
  refusal: { readonly reason: string; readonly at: Date },
): Promise<void> {
  const decoded = decodeSubmission(record.payload);
  const name = nameOf(record);
  const entry: SetAside = {
    name,
    reason: refusal.reason,
    refusedAt: refusal.at.toISOString(),
    bytes: record.payload.length,
    ...(decoded.ok
      ? {
          receivedAt: decoded.submission.receivedAt.toISOString(),
          mailFrom: decoded.submission.envelope.mailFrom,
          rcptTo: decoded.submission.envelope.rcptTo,
        }
      : {}),
  };
  const line = Buffer.from(`${JSON.stringify(entry)}\n`);
  await disk.replace(join(directory, refusedFolder, name + suffix), [line, record.payload]);
}

function nameOf({ at, payload }: ReadRecord): string {
  const decoded = decodeSubmission(payload);
  const id = decoded.ok ? decoded.submission.id : decoded.id;
  return id ?? `${at.segment}-${at.offset}`;
}

/** The names of all records set aside, oldest first. */
export function listSetAside(disk: WholeFiles, directory: string): Promise<readonly string[]> {
  return listRecords(disk, join(directory, refusedFolder));
}

/** The names of records that were handed back and that the relay has still to take in, oldest first. */
export function listRequeued(disk: WholeFiles, directory: string): Promise<readonly string[]> {
  return listRecords(disk, join(directory, requeuedFolder));
}

async function listRecords(disk: WholeFiles, folder: string): Promise<readonly string[]> {
  const names = await disk.list(folder);
  return names.filter(isRecordFile).map(bareName).toSorted();
}

/** One record set aside or handed back; undefined when there is none of that name. */
export async function readSetAside(
  disk: WholeFiles,
  directory: string,
  name: string,
): Promise<SetAsideRecord | undefined> {
  for (const each of [refusedFolder, requeuedFolder]) {
    const folder = join(directory, each);
    if (!(await listRecords(disk, folder)).includes(name)) continue;
    const [line, payload] = split(await disk.read(join(folder, name + suffix)));
    return { entry: describe(line, name, payload.length), payload, isRequeued: each === requeuedFolder };
  }
  return undefined;
}

/** The octets that were accepted stand behind one line that describes them. */
function split(content: Buffer): readonly [line: string, payload: Buffer] {
  const end = content.indexOf(0x0a);
  return [content.subarray(0, Math.max(end, 0)).toString('utf8'), content.subarray(end + 1)];
}

function describe(line: string, name: string, bytes: number): SetAside {
  try {
    return description.parse(JSON.parse(line));
  } catch {
    return { name, reason: 'its description cannot be read', refusedAt: '', bytes };
  }
}

/** Hands a record back to the relay, which ships it again at its next upkeep. False when there is none of that name. */
export async function requeueSetAside(disk: WholeFiles, directory: string, name: string): Promise<boolean> {
  if (!(await listSetAside(disk, directory)).includes(name)) return false;
  const file = name + suffix;
  await disk.rename(join(directory, refusedFolder, file), join(directory, requeuedFolder, file));
  await disk.syncDirectory(join(directory, requeuedFolder));
  await disk.syncDirectory(join(directory, refusedFolder));
  return true;
}

/** Deletes a record for good. False when there is none of that name. */
export async function dropSetAside(disk: WholeFiles, directory: string, name: string): Promise<boolean> {
  if (!(await listSetAside(disk, directory)).includes(name)) return false;
  await disk.remove(join(directory, refusedFolder, name + suffix));
  await disk.syncDirectory(join(directory, refusedFolder));
  return true;
}

/** Takes requeued records in. A file goes only after its record is stored, so that ending in between stores it twice, never not. */
export async function takeRequeued(
  disk: WholeFiles,
  directory: string,
  store: (payload: Buffer) => Promise<boolean>,
): Promise<number> {
  const folder = join(directory, requeuedFolder);
  let taken = 0;
  for (const file of (await disk.list(folder)).filter(isRecordFile)) {
    const [, payload] = split(await disk.read(join(folder, file)));
    if (!(await store(payload))) break;
    await disk.remove(join(folder, file));
    taken += 1;
  }
  return taken;
}

function isRecordFile(name: string): boolean {
  return name.endsWith(suffix);
}

function bareName(file: string): string {
  return file.slice(0, -suffix.length);
}

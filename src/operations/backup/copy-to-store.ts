import { createHash } from 'node:crypto';

import { z } from 'zod';

import type { ObjectStore, SentPart } from '../../adapters/object-store.ts';
import { OperatorError } from '../../domain/failure.ts';
import { type CopiedFile, filesOf } from './copies.ts';
import type { BackupSet } from './sets.ts';
import { setPath, type Workplace } from './workplace.ts';

const megabyte = 1024 * 1024;
const uploadShape = z.object({
  upload: z.string(),
  part_bytes: z.number(),
  parts: z.array(z.object({ number: z.number(), tag: z.string() })),
});

type Upload = z.infer<typeof uploadShape>;

/** Copies a set into a bucket in pieces. A cut loses one piece at most: the next call goes on behind the last piece that arrived. */
export async function copyToStore(place: Workplace, set: BackupSet, store: ObjectStore): Promise<void> {
  for (const file of await filesOf(place, set)) {
    const key = `${set.id}/${file.name}`;
    if (await isSame(place, store, { key, file })) continue;
    place.tell(`${file.name}: sending`);
    await send(place, { set, store, file, key });
    if (!(await isSame(place, store, { key, file }))) throw notSame(key);
  }
}

interface Sending {
  readonly set: BackupSet;
  readonly store: ObjectStore;
  readonly file: CopiedFile;
  readonly key: string;
}

/** Goes on with what a cut left, if the storage still knows it; else it is sent anew. */
async function send(place: Workplace, sending: Sending): Promise<void> {
  const { archive } = place;
  const memory = setPath(place, sending.set.id, `.${sending.file.name}.upload`);
  const left = await remembered(place, memory);
  const isSent = left !== undefined && (await sendRest(place, memory, { ...sending, begun: left }));
  if (!isSent) {
    const begun = await begin(place, sending);
    if (!(await sendRest(place, memory, { ...sending, begun }))) throw forgotten(sending.key);
  }
  await archive.remove(memory);
}

/** S3 takes no more pieces of one object. */
const mostParts = 10_000;

async function begin({ config }: Workplace, { store, key, file }: Sending): Promise<Upload> {
  const wanted = config.BACKUP_S3_PART_MEGABYTES * megabyte;
  return {
    upload: await store.begin(key),
    part_bytes: Math.max(wanted, Math.ceil(file.bytes / mostParts)),
    parts: [],
  };
}

/** What was sent is remembered beside the set after every piece. False when the storage knows no such upload. */
async function sendRest(
  place: Workplace,
  memory: string,
  { set, store, file, key, begun }: Sending & { readonly begun: Upload },
): Promise<boolean> {
  const { archive } = place;
  const { upload, part_bytes: size } = begun;
  const parts: SentPart[] = [...begun.parts];
  const source = archive.read(setPath(place, set.id, file.name), parts.length * size);
  for await (const bytes of pieces(source as AsyncIterable<Buffer>, size)) {
    if (place.stop.aborted) throw stopped();
    const number = parts.length + 1;
    const tag = await store.sendPart(key, { upload, number, bytes });
    if (tag === undefined) return false;
    parts.push({ number, tag });
    await archive.replace(memory, JSON.stringify({ ...begun, parts }));
    place.tell(`${file.name}: ${Math.min(100, Math.round((number * size * 100) / file.bytes))} % sent`);
  }
  return store.complete(key, { upload, parts });
}

async function remembered({ archive }: Workplace, memory: string): Promise<Upload | undefined> {
  const text = await archive.text(memory);
  return text === undefined ? undefined : uploadShape.safeParse(JSON.parse(text)).data;
}

async function* pieces(source: AsyncIterable<Buffer>, size: number): AsyncIterable<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const read of source) {
    waiting.push(read);
    length += read.length;
    if (length < size) continue;
    const all = Buffer.concat(waiting);
    let at = 0;
    for (; all.length - at >= size; at += size) yield all.subarray(at, at + size);
    waiting = [all.subarray(at)];
    length = all.length - at;
  }
  if (length > 0) yield Buffer.concat(waiting);
}

/** Reads an object whole and compares; false where there is none or another. */
async function isSame(
  { stop }: Workplace,
  store: ObjectStore,
  { key, file }: Pick<Sending, 'key' | 'file'>,
): Promise<boolean> {
  if ((await store.size(key)) !== file.bytes) return false;
  const hash = createHash('sha256');
  for await (const bytes of store.read(key)) {
    if (stop.aborted) throw stopped();
    hash.update(bytes);
  }
  return hash.digest('hex') === file.sha256;
}

function notSame(key: string): OperatorError {
  return new OperatorError('check-failed', `${key} in the bucket is not what was sent`, {
    hint: 'Run it again: it is sent anew; if it fails again, distrust that storage',
    field: 'BACKUP_S3_URL',
  });
}

function forgotten(key: string): OperatorError {
  return new OperatorError('unreachable', `the storage forgot ${key} while it was sent`, {
    hint: 'Run it again; if it fails again, see what there ends uploads that are not complete',
    field: 'BACKUP_S3_URL',
  });
}

function stopped(): OperatorError {
  return new OperatorError('interrupted', 'interrupted; what was sent stays sent', {
    hint: 'Run it again: it goes on behind the last piece that arrived',
  });
}

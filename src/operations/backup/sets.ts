import { createHash } from 'node:crypto';

import { z } from 'zod';

import { isSetId, type Manifest, type Proof, type Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { setPath, type Workplace } from './workplace.ts';

export const manifestFile = 'manifest.json';
const proofFile = 'proofs.json';

const rows = z.object({ database: z.string(), table: z.string(), rows: z.number() });

const part = z.object({
  kind: z.enum(['postgres', 'mariadb', 'config', 'secrets']),
  file: z.string().regex(/^[a-z]+\.[a-z.]+$/),
  bytes: z.number(),
  sha256: z.string(),
  plain_bytes: z.number(),
  sealed_to: z.array(z.enum(['escrow', 'verify'])),
  tool: z.string(),
  server: z.string().nullable(),
  position: z.string().nullable(),
  no_position: z.string().optional(),
  octets: z.literal('escape').optional(),
  started_at: z.string(),
  seconds: z.number(),
  tables: z.array(rows),
});

const manifestShape = z.object({
  format: z.literal(1),
  id: z.string(),
  created_at: z.iso.datetime(),
  seconds: z.number(),
  host: z.string(),
  encryption: z.object({
    mode: z.enum(['verify-key', 'strict']),
    escrow: z.string(),
    verify: z.string().nullable(),
  }),
  migration: z.number().nullable(),
  images: z.record(z.string(), z.string()),
  parts: z.array(part).min(1),
  missing: z.array(z.string()).optional(),
});

const proofsShape = z.array(
  z.object({
    at: z.string(),
    how: z.enum(['written', 'read', 'restored']),
    seconds: z.number(),
    tables: z.number(),
    manifest_sha256: z.string(),
  }),
);

/** A set with what is known of it; one whose manifest cannot be read has none and is never good. */
export interface BackupSet {
  readonly id: string;
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  readonly proofs: readonly Proof[];
}

type Shelf = Pick<Workplace, 'archive' | 'shelf'>;

/** Every set that exists, newest first: a folder without a manifest that can be read is none. Ids tell sets of one second apart, not their order. */
export async function listSets(place: Shelf): Promise<readonly BackupSet[]> {
  const names = (await place.archive.list(place.shelf)).filter(isSetId).toSorted().toReversed();
  const sets = await Promise.all(names.map((id) => readSet(place, id)));
  return sets.filter((set) => set !== undefined).toSorted((one, other) => takenMs(other) - takenMs(one));
}

function takenMs({ manifest }: BackupSet): number {
  return Date.parse(manifest.created_at);
}

/** The newest set with dumps of all these stores. */
export async function lastSetWith(place: Shelf, stores: readonly Store[]): Promise<BackupSet | undefined> {
  const sets = await listSets(place);
  return sets.find(({ manifest }) =>
    stores.every((store) => manifest.parts.some(({ kind }) => kind === store)),
  );
}

/** One set by its id, or the newest. Throws `usage` when there is none. */
export async function requireSet(place: Shelf, id: string | undefined): Promise<BackupSet> {
  const set =
    id === undefined ? (await listSets(place))[0] : isSetId(id) ? await readSet(place, id) : undefined;
  if (set) return set;
  throw new OperatorError('usage', id === undefined ? 'there is no set yet' : `there is no set ${id}`, {
    hint: id === undefined ? 'Take one: mailctl backup run' : 'See which there are: mailctl backup list',
    field: 'id',
  });
}

async function readSet(place: Shelf, id: string): Promise<BackupSet | undefined> {
  const text = await place.archive.text(setPath(place, id, manifestFile));
  const manifest = parsed(manifestShape, text);
  if (text === undefined || manifest?.id !== id || !(await isWhole(place, manifest))) return undefined;
  const proofs = parsed(proofsShape, await place.archive.text(setPath(place, id, proofFile))) ?? [];
  const manifestSha256 = sha256(text);
  return {
    id,
    manifest,
    manifestSha256,
    proofs: proofs.filter((proof) => proof.manifest_sha256 === manifestSha256),
  };
}

/** Every file is there in its size; what is in them, `verify` reads. */
async function isWhole({ archive, shelf }: Shelf, { id, parts }: Manifest): Promise<boolean> {
  const sizes = await Promise.all(
    parts.map(({ file }) => archive.size(setPath({ shelf }, id, file)).catch(() => -1)),
  );
  return parts.every(({ bytes }, index) => bytes === sizes[index]);
}

function parsed<T>(shape: z.ZodType<T>, text: string | undefined): T | undefined {
  try {
    return shape.safeParse(JSON.parse(text ?? 'null')).data;
  } catch {
    return undefined;
  }
}

/** Puts a proof beside the set. The manifest stays as it is, and so does its checksum. */
export async function addProof(
  place: Shelf,
  set: Pick<BackupSet, 'id' | 'manifestSha256' | 'proofs'>,
  proof: Omit<Proof, 'manifest_sha256'>,
): Promise<void> {
  const proofs = [...set.proofs, { ...proof, manifest_sha256: set.manifestSha256 }];
  await place.archive.replace(setPath(place, set.id, proofFile), `${JSON.stringify(proofs, null, 2)}\n`);
}

/** A manifest as it is written. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** SHA-256 of a text, as hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

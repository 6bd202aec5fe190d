import type { Part } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { requireEndMarker } from './dump-mariadb.ts';
import { requireSame } from './prove-part.ts';
import { ignoreOutput, readPart, sealOf } from './read-part.ts';
import { identityHere } from './recipients.ts';
import { recordRun } from './run-record.ts';
import { addProof, type BackupSet } from './sets.ts';
import { type ShownSet, shownSet } from './show.ts';
import { toolsFor } from './tools.ts';
import { type Compared, restoreAndCompare } from './verify-restored.ts';
import { setPath, type Workplace } from './workplace.ts';

/** What a proof found. */
export interface Verified {
  readonly set: ShownSet;
  readonly proof: {
    readonly how: 'read' | 'restored';
    readonly seconds: number;
    /** Parts whose octets were compared with the manifest, and of them those that were opened and read to the end. */
    readonly read: readonly string[];
    readonly opened: readonly string[];
    readonly tables: readonly Compared[];
  };
}

interface WantedProof {
  readonly restore: boolean;
  readonly identityFile: string | undefined;
}

/**
 * Reads all of a set: each file's SHA-256, and what the key here opens to its last octet. With `restore` both dumps are restored into
 * databases beside the running ones and compared table by table; in the strict mode, where no key is there for it, that is said instead.
 * Throws `check-failed` with what differs.
 */
export async function verifySet(place: Workplace, set: BackupSet, wanted: WantedProof): Promise<Verified> {
  try {
    return await proveSet(place, set, wanted);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'failed';
    if (wanted.restore || isDamage(error))
      await recordRun(place, 'backup-verify', { ok: false, id: set.id, seconds: 0, error: why });
    throw error;
  }
}

/** A set that is not what it was is bad news, however it was looked at; a key that was not there is none. */
function isDamage(error: unknown): boolean {
  return error instanceof OperatorError && error.code === 'check-failed';
}

async function proveSet(place: Workplace, set: BackupSet, wanted: WantedProof): Promise<Verified> {
  const { clock } = place.world;
  const startMs = clock.monotonicMs();
  const identity = await identityHere(place, wanted.identityFile);
  if (wanted.restore && !identity) warnOfNoProof(place);
  const seen = await readAll(place, set, { identity, named: wanted.identityFile !== undefined });
  const tables = wanted.restore && identity ? await restoreAndCompare(place, set, identity) : [];
  const seconds = Math.round(clock.monotonicMs() - startMs) / 1000;
  const how = wanted.restore && identity ? ('restored' as const) : ('read' as const);
  const proof = { at: clock.now().toISOString(), how, seconds, tables: tables.length };
  await addProof(place, set, proof);
  if (wanted.restore) await recordRun(place, 'backup-verify', { ok: true, id: set.id, seconds });
  const proofs = [...set.proofs, { ...proof, manifest_sha256: set.manifestSha256 }];
  return { set: shownSet({ ...set, proofs }), proof: { how, seconds, ...seen, tables } };
}

async function readAll(
  place: Workplace,
  set: BackupSet,
  { identity, named }: { readonly identity: Secret | undefined; readonly named: boolean },
): Promise<Pick<Verified['proof'], 'read' | 'opened'>> {
  const read: string[] = [];
  const opened: string[] = [];
  for (const part of set.manifest.parts) {
    place.tell(`${part.kind}: reading`);
    const path = setPath(place, set.id, part.file);
    await requireSame(place, { path, bytes: part.bytes, sha256: part.sha256 });
    read.push(part.kind);
    if (identity && (await opensAndReads(place, set, { part, identity, named }))) opened.push(part.kind);
  }
  return { read, opened };
}

interface Opening {
  readonly part: Part;
  readonly identity: Secret;
  readonly named: boolean;
}

/** False for what is sealed to the escrow key alone and met with the verify key. */
async function opensAndReads(
  place: Workplace,
  set: BackupSet,
  { part, identity, named }: Opening,
): Promise<boolean> {
  if (!named && !part.sealed_to.includes('verify')) return false;
  const path = setPath(place, set.id, part.file);
  const seal = await sealOf(place, path, identity);
  const reader = await readers[part.kind](place, part);
  const text = place.archive.meter();
  await readPart(place, { path, seal, through: text.through, into: ignoreOutput(reader) });
  if (part.kind === 'mariadb') requireEndMarker(text.tail());
  if (text.bytes() !== part.plain_bytes) throw otherLength(part);
  return true;
}

const readers = {
  postgres: async ({ world }: Workplace, { server }: Part) => {
    const tools = await toolsFor(world, { store: 'postgres', version: server ?? '', orNewer: true });
    const program = (await world.programs()).start(tools.argv('pg_restore', '--file=/dev/null'));
    program.input.write('-\n');
    return program;
  },
  mariadb: ({ world }: Workplace) => startReader(world, ['cat']),
  config: ({ world }: Workplace) => startReader(world, ['tar', '-tf', '-']),
  secrets: ({ world }: Workplace) => startReader(world, ['tar', '-tf', '-']),
} as const;

async function startReader(world: Workplace['world'], argv: readonly [string, ...string[]]) {
  return (await world.programs()).start(argv);
}

function otherLength({ kind, plain_bytes: bytes }: Part): OperatorError {
  return new OperatorError(
    'check-failed',
    `${kind} does not hold the ${bytes} octets that the manifest says`,
    {
      hint: 'Use another set or another copy of it: mailctl backup list',
    },
  );
}

/** A weekly proof that nobody can make is no failure of the set: it is read, and the operator hears what is left to do. */
function warnOfNoProof({ config, warn }: Workplace): void {
  if (config.BACKUP_VERIFY_KEY !== 'none') throw closed();
  warn(
    'the set was not restored: in the strict mode (BACKUP_VERIFY_KEY=none) no key here opens it; now and then: mailctl backup verify --restore --identity-file FILE',
  );
}

function closed(): OperatorError {
  return new OperatorError('usage', 'no key on this host opens the set', {
    hint: 'Make the verify key: mailctl backup key make; or name the file of the escrow key: --identity-file FILE',
    field: '--identity-file',
  });
}

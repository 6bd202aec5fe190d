import type { FileSeal } from '../../adapters/age.ts';
import type { Argv } from '../../adapters/exec.ts';
import type { JoinedPrograms, Joining } from '../../adapters/joined-programs.ts';
import { OperatorError } from '../../domain/failure.ts';
import { requireSuccess, wasEnded } from './program-output.ts';
import { shownRate } from './progress.ts';
import { stopOrTimeout, type Workplace } from './workplace.ts';

/** What was written, and what still stands in memory to read it back with. */
export interface Written {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly plainBytes: number;
  /** The last octets before compression. */
  readonly tail: Buffer;
  readonly seal: FileSeal;
}

/** Where a part goes. */
export interface PartTarget {
  readonly path: string;
  readonly recipients: readonly string[];
}

/** A part that is being made. */
export interface Packed {
  readonly source: JoinedPrograms;
  readonly path: string;
  readonly seal: FileSeal;
}

/** Octets of a file that are written and read back at once. */
const pieceBytes = 1024 * 1024;

/** A medium that is told early has little left to take at the end. */
const flushBytes = 64 * pieceBytes;

/** Starts a program whose output zstd compresses and age seals into a file. */
export async function startPacked(
  { world, config }: Workplace,
  first: Argv,
  { path, recipients, hear }: PartTarget & Pick<Joining, 'hear'>,
): Promise<Packed> {
  const age = await world.age();
  const seal = await age.newSeal(recipients);
  const { BACKUP_ZSTD_LEVEL: level, BACKUP_ZSTD_THREADS: threads } = config;
  const second = ['zstd', '-q', '-c', `-${level}`, `-T${threads}`] as const;
  const file = { path, ...age.sealOrder(seal), pieceBytes, flushBytes };
  return { source: (await world.programs()).join({ first, second, file, hear }), path, seal };
}

interface Named {
  /** What progress is told of. */
  readonly name: string;
  /** Octets of the sealed file, as far as can be known. */
  readonly expected: number | undefined;
}

/** Waits until a part is written. Every stage must end well: when one fails, all are ended and the cause is thrown. Throws `check-failed` when the octets read back are others. */
export async function writePart(
  place: Workplace,
  { source, path, seal }: Packed,
  named: Named,
): Promise<Written> {
  const signal = stopOrTimeout(place);
  await using _ = shownRate(place, { ...named, bytes: source.bytes });
  const stages = [source.sealed, source.passed, ...source.programs.map(requireSuccess)];
  await allOrNone([source], stages, signal);
  const { bytes: plainBytes, tail } = await source.passed;
  return { path, seal, ...(await source.sealed), plainBytes, tail };
}

/** Waits for all stages; the first failure ends the programs, and of all failures the one that explains most is thrown. */
export async function allOrNone(
  programs: readonly Pick<JoinedPrograms, 'kill'>[],
  stages: readonly Promise<unknown>[],
  signal: AbortSignal,
): Promise<void> {
  const end = () => programs.forEach((program) => program.kill());
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  await Promise.all(stages).catch(end);
  const outcomes = await Promise.allSettled(stages);
  signal.removeEventListener('abort', end);
  if (signal.aborted) throw ended(signal);
  const failed = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  if (failed.length === 0) return;
  throw failed.map(asCause).toSorted((a, b) => a.weight - b.weight)[0]?.error;
}

/** A full disk explains why programs broke off; a pipe that broke explains nothing. */
function asCause(error: unknown): { readonly weight: number; readonly error: unknown } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (isDiskFull(code)) return { weight: 0, error: diskFull('BACKUP_DIR', error) };
  if (['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'].includes(code))
    return { weight: 4, error };
  if (error instanceof OperatorError) return { weight: wasEnded(error) ? 3 : 1, error };
  return { weight: 2, error };
}

/** True for what the system says when nothing more fits. */
export function isDiskFull(code: string): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
}

/** Nothing more fits where the variable leads to. */
export function diskFull(field: 'BACKUP_DIR' | 'BACKUP_COPY_DIR', cause: unknown): OperatorError {
  return new OperatorError('unreachable', `the disk that holds the sets is full (${field})`, {
    hint: 'Free some space, or let old sets go: mailctl backup prune',
    field,
    cause,
  });
}

function ended({ reason }: AbortSignal): OperatorError {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new OperatorError('timed-out', 'it did not finish within BACKUP_TIMEOUT', {
        hint: 'See what is slow, or raise it: mailctl config explain BACKUP_TIMEOUT',
        field: 'BACKUP_TIMEOUT',
      })
    : new OperatorError('interrupted', 'interrupted; nothing was kept of this run', {
        hint: 'Run it again when you are ready',
      });
}

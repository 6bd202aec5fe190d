import { pipeline } from 'node:stream/promises';

import type { FileSeal } from '../../adapters/age.ts';
import type { Argv } from '../../adapters/exec.ts';
import type { HearBeginning, JoinedPrograms } from '../../adapters/joined-programs.ts';
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

interface Writing {
  /** What `startPacked` started. */
  readonly source: JoinedPrograms;
  readonly path: string;
  readonly recipients: readonly string[];
  /** What progress is told of. */
  readonly name: string;
  /** Octets of the sealed file, as far as can be known. */
  readonly expected: number | undefined;
}

/** Starts a program whose output zstd compresses. */
export async function startPacked(
  { world, config }: Workplace,
  argv: Argv,
  hear?: HearBeginning,
): Promise<JoinedPrograms> {
  const programs = await world.programs();
  return programs.join(argv, ['zstd', '-q', '-c', `-${config.BACKUP_ZSTD_LEVEL}`], hear);
}

/** Streams what comes compressed through age into a file. Every stage must end well: when one fails, all are ended and the cause is thrown. Throws `check-failed` when the octets read back are others. */
export async function writePart(place: Workplace, writing: Writing): Promise<Written> {
  const { archive, world } = place;
  const { source, path, recipients } = writing;
  const age = await world.age();
  const seal = await age.newSeal(recipients);
  const file = archive.write(path);
  const signal = stopOrTimeout(place);
  await using _ = shownRate(place, { ...writing, bytes: file.bytes });
  await allOrNone(
    [source],
    [
      pipeline(source.output, age.sealing(seal), file.into, { signal }),
      source.passed,
      ...source.programs.map(requireSuccess),
    ],
    signal,
  );
  const { bytes: plainBytes, tail } = await source.passed;
  return { path, seal, ...file.digest(), plainBytes, tail };
}

/** Waits for all stages; the first failure ends the programs, and of all failures the one that explains most is thrown. */
export async function allOrNone(
  programs: readonly Pick<JoinedPrograms, 'kill'>[],
  stages: readonly Promise<unknown>[],
  signal: AbortSignal,
): Promise<void> {
  const end = () => programs.forEach((program) => program.kill());
  await Promise.all(stages).catch(end);
  const outcomes = await Promise.allSettled(stages);
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

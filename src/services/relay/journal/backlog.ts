import type { JournalParts } from './parts.ts';
import { receivedAtAfter } from './reader.ts';
import { type Position } from '../../../domain/journal-place.ts';
import { bytesAfter, recordsAfter } from './segment.ts';

/** What is accepted and not yet with the api. */
export interface Backlog {
  readonly records: number;
  readonly bytes: number;
  /** When its oldest record was received, as far as that can be read. */
  readonly oldest?: Date;
}

/** Measures what is not settled. */
export async function backlog({ state, inTurn }: JournalParts): Promise<Backlog> {
  const oldest = await inTurn(() => receivedAtAfter(state, state.settled)).catch(() => undefined);
  return {
    records: recordsAfter(state.segments, state.settled),
    bytes: bytesAfter(state.segments, state.settled),
    ...(oldest ? { oldest } : {}),
  };
}

/** Why so many octets more cannot be taken in; undefined when they can. */
export function fullness({ state, groups }: JournalParts, bytes: number): string | undefined {
  const { RELAY_JOURNAL_MAX_BYTES: most, RELAY_JOURNAL_MIN_FREE: least } = state.config;
  const waiting = groups.waitingBytes() + bytes;
  if (state.unsettledBytes + waiting > most) return `the journal holds its ${most} bytes`;
  if (state.freeBytes - waiting < least) return `less than ${least} bytes are free on the journal's disk`;
  return undefined;
}

/** Resolves as soon as there is a record after the position, or when `stop` is aborted. */
export async function whenBeyond(
  { state, listeners }: JournalParts,
  position: Position,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted && bytesAfter(state.segments, position) === 0) {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        listeners.delete(wake);
        stop.removeEventListener('abort', wake);
        resolve();
      };
      listeners.add(wake);
      stop.addEventListener('abort', wake);
    });
  }
}

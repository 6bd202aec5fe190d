import { createHash } from 'node:crypto';

/** What sets a delay apart from others; the same gives the same delay, in every process and after every restart. */
export interface Jittered {
  readonly row: string;
  readonly due: Date;
  /** Of this installation, so that hosts with one timetable do not start at once. */
  readonly seed: string;
}

/** How much later than it is due a run starts: evenly from 0 up to, not including, `mostMs`. */
export function jitterMs({ row, due, seed }: Jittered, mostMs: number): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, row, due.getTime()]))
    .digest();
  return (digest.readUInt32BE(0) / 2 ** 32) * mostMs;
}

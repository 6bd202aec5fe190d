interface Exponential {
  readonly baseMs: number;
  readonly mostMs: number;
}

/**
 * The wait before the next attempt: doubled after each of `failures` (1 is the first), at most `mostMs`, of which the second half
 * is jitter. `fraction` is from 0 up to 1.
 */
export function backoffMs(failures: number, { baseMs, mostMs }: Exponential, fraction: number): number {
  const whole = Math.min(mostMs, baseMs * 2 ** Math.min(failures - 1, 40));
  return Math.round(whole / 2 + (whole / 2) * fraction);
}

/** Full jitter over one step of a schedule; undefined when the schedule is over. `failures` is 1 after the first. */
export function scheduledMs(
  schedule: readonly number[],
  failures: number,
  fraction: number,
): number | undefined {
  const step = schedule[failures - 1];
  return step === undefined ? undefined : Math.round(step * fraction);
}

/** Milliseconds that a Retry-After header asks for (RFC 9110 §10.2.3); undefined when it is absent or unreadable. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}

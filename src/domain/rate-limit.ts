/** `limit` requests in every `periodMs`, and `burst` more at once after a quiet time. */
export interface RatePolicy {
  readonly limit: number;
  readonly periodMs: number;
  readonly burst: number;
}

/** What one request was told. Times are milliseconds from now. */
export interface RateDecision {
  readonly allowed: boolean;
  /** Requests that would pass at once now. */
  readonly remaining: number;
  /** 0 when allowed. */
  readonly retryAfterMs: number;
  /** Until the whole burst is there again. */
  readonly resetMs: number;
  /** The state to keep for the next request of the same client: milliseconds, comparable with `nowMs`. */
  readonly fullAtMs: number;
}

/** What sums of milliseconds since 1970 may be off by: without it the last request of a burst is refused now and then. */
const roundingMs = 0.01;

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a client, `fullAtMs`, the time at which it has its whole burst again.
 * A refused request costs nothing, so a client that keeps asking is not shut out for longer.
 */
export function takeOne(policy: RatePolicy, fullAtMs: number | undefined, nowMs: number): RateDecision {
  const costMs = policy.periodMs / policy.limit;
  const capacityMs = costMs * (policy.burst + 1);
  const owedMs = Math.max((fullAtMs ?? nowMs) - nowMs, 0);
  const askedMs = owedMs + costMs;
  const allowed = askedMs <= capacityMs + roundingMs;
  const keptMs = allowed ? askedMs : owedMs;
  return {
    allowed,
    remaining: Math.max(0, Math.floor((capacityMs - keptMs) / costMs + 1e-9)),
    retryAfterMs: allowed ? 0 : askedMs - capacityMs,
    resetMs: keptMs,
    fullAtMs: nowMs + keptMs,
  };
}

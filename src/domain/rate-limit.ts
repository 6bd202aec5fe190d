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

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a client, `fullAtMs`, the time at which it has its whole burst again.
 * A refused request costs nothing, so a client that keeps asking is not shut out for longer.
 */
export function takeOne(policy: RatePolicy, fullAtMs: number | undefined, nowMs: number): RateDecision {
  const costMs = policy.periodMs / policy.limit;
  const capacityMs = costMs * (policy.burst + 1);
  const before = Math.max(fullAtMs ?? nowMs, nowMs);
  const after = before + costMs;
  const allowed = after - nowMs <= capacityMs;
  const kept = allowed ? after : before;
  return {
    allowed,
    remaining: Math.max(0, Math.floor((capacityMs - (kept - nowMs)) / costMs + 1e-9)),
    retryAfterMs: allowed ? 0 : after - nowMs - capacityMs,
    resetMs: kept - nowMs,
    fullAtMs: kept,
  };
}

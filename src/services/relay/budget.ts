/** Octets of messages that may be in memory at once, over all sessions. */
export interface Budget {
  /** Counts octets that are in memory already. */
  take(bytes: number): void;
  give(bytes: number): void;
  /** True when more is in memory than there should be: whoever can moves to disk. */
  isExhausted(): boolean;
  used(): number;
}

/** A budget of `limit` octets. Every `take` is followed by a `give` of the same amount. */
export function openBudget(limit: number): Budget {
  let used = 0;
  return {
    take: (bytes) => {
      used += bytes;
    },
    give: (bytes) => {
      used -= bytes;
    },
    isExhausted: () => used > limit,
    used: () => used,
  };
}

/** Octets of messages that may be in memory at once, over all sessions. */
export interface Budget {
  /** Counts octets that are in memory already. */
  take(bytes: number): void;
  give(bytes: number): void;
  /** True when more is in memory than there should be: whoever can moves to disk. */
  isExhausted(): boolean;
  /** Resolves, in order of asking, when so much may be read into memory; a single one that is larger than all goes alone. */
  reserve(bytes: number): Promise<void>;
  used(): number;
}

/** A budget of `limit` octets. Every `take` and `reserve` is followed by a `give` of the same amount. */
export function openBudget(limit: number): Budget {
  let used = 0;
  const waiting: { readonly bytes: number; readonly go: () => void }[] = [];
  const admitNext = () => {
    const [next] = waiting;
    if (!next || (used > 0 && used + next.bytes > limit)) return;
    waiting.shift();
    used += next.bytes;
    next.go();
    admitNext();
  };
  return {
    take: (bytes) => {
      used += bytes;
    },
    give: (bytes) => {
      used -= bytes;
      admitNext();
    },
    isExhausted: () => used > limit,
    reserve: (bytes) =>
      new Promise((resolve) => {
        waiting.push({ bytes, go: resolve });
        admitNext();
      }),
    used: () => used,
  };
}

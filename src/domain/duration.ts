const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Whatever is longer is a slip of the pen, and no date could be reckoned from it. */
const longestMs = 36_500 * unitMs.d;

/** Milliseconds of a text such as `30s`, `5m`, `2h`, `1d` or `250ms`; undefined when it is none, or longer than a hundred years. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]);
  return ms <= longestMs ? ms : undefined;
}

/** The shortest exact text of a duration: 300000 is `5m`. */
export function formatDuration(ms: number): string {
  const units = Object.entries(unitMs).toReversed();
  const [unit, size] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

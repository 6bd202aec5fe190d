/** How near the end of a key is; each is worth a warning of its own. */
export type ExpiryNotice = 'expired' | '1d' | '7d' | '30d';

const dayMs = 86_400_000;
const notices = [
  ['expired', 0],
  ['1d', 1],
  ['7d', 7],
  ['30d', 30],
] as const satisfies readonly (readonly [ExpiryNotice, number])[];

/** Which notice a key is due, from thirty days before its end to thirty days after it; undefined for none. */
export function expiryNotice(expiresAt: Date | undefined, now: Date): ExpiryNotice | undefined {
  if (!expiresAt) return undefined;
  const leftMs = expiresAt.getTime() - now.getTime();
  if (leftMs < -30 * dayMs) return undefined;
  return notices.find(([, days]) => leftMs <= days * dayMs)?.[0];
}

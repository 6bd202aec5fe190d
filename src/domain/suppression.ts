import type { EventDetail } from './event.ts';

/** Why an address gets no mail. */
export const suppressionReasons = ['bounce', 'complaint', 'unsubscribe', 'manual'] as const;

/** Most characters of a scope. */
export const longestScope = 255;

/** Most characters of what a suppression rests on. */
export const longestEvidence = 1000;

export type SuppressionReason = (typeof suppressionReasons)[number];

/** An address that gets no mail: none at all where the scope is empty, else none with that tag. */
export interface Suppression {
  /** In lower case: nearly all servers take local parts so, and the doubt is decided for the recipient's peace. */
  readonly address: string;
  readonly scope: string;
  readonly reason: SuppressionReason;
  /** What it rests on; empty when nobody said. */
  readonly evidence: string;
  readonly expiresAt: Date | undefined;
}

/** The facts of a `suppressed` event. */
export function suppressedDetail({ reason, scope }: Pick<Suppression, 'reason' | 'scope'>): EventDetail {
  return { reason, ...(scope !== '' && { scope }) };
}

/** True for one of the reasons. */
export function isSuppressionReason(text: string): text is SuppressionReason {
  return suppressionReasons.some((reason) => reason === text);
}

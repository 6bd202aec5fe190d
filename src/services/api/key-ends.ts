import type { Clock } from '../../adapters/clock.ts';
import type { KeyKind } from '../../domain/key.ts';
import type { KeyEnd } from '../../store/keys.ts';

/** Kinds of keys whose ends the api keeps in mind; those of others stand beside their secrets. */
export const kindsInMind = [
  'relay',
  'postal-webhook-token',
  'postal-signing',
] as const satisfies readonly KeyKind[];

/** When what others show the api ends. */
export interface KeyEnds {
  /** Takes what is written down now in place of what it knew. */
  learn(ends: readonly KeyEnd[]): void;
  /** True from the end of a key on; a key is told by its handle. */
  hasEnded(kind: (typeof kindsInMind)[number], handle: string): boolean;
}

/** Knows of no end yet. */
export function openKeyEnds(clock: Pick<Clock, 'now'>): KeyEnds {
  let known: ReadonlyMap<string, Date> = new Map();
  return {
    learn: (ends) => {
      known = new Map(ends.map(({ kind, handle, expiresAt }) => [`${kind} ${handle}`, expiresAt]));
    },
    hasEnded: (kind, handle) => {
      const end = known.get(`${kind} ${handle}`);
      return end !== undefined && end <= clock.now();
    },
  };
}

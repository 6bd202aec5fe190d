import type { Clock } from '../../adapters/clock.ts';
import { fingerprintOf } from '../../domain/fingerprint.ts';
import type { Secret } from '../../domain/secret.ts';

/** When shared secrets were last presented, waiting to be written down. */
export interface SecretUses {
  readonly noted: Map<string, Date>;
  note(secret: Secret): void;
}

/** Keeps the last use of each secret by its fingerprint. */
export function openSecretUses(clock: Pick<Clock, 'now'>): SecretUses {
  const noted = new Map<string, Date>();
  return { noted, note: (secret) => void noted.set(fingerprintOf(secret), clock.now()) };
}

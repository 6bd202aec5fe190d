import type { Clock } from '../../adapters/clock.ts';
import { fingerprintOf } from '../../domain/fingerprint.ts';
import type { Secret } from '../../domain/secret.ts';

/** When shared secrets were last presented, waiting to be written down. */
export interface SecretUses {
  readonly noted: Map<string, Date>;
  note(secret: Secret): void;
  /** The same for what has a name of its own that tells nothing of it. */
  noteName(name: string): void;
}

/** Keeps the last use of each secret by its fingerprint. */
export function openSecretUses(clock: Pick<Clock, 'now'>): SecretUses {
  const noted = new Map<string, Date>();
  const noteName = (name: string) => void noted.set(name, clock.now());
  return { noted, note: (secret) => noteName(fingerprintOf(secret)), noteName };
}

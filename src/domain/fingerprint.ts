import { createHash } from 'node:crypto';

import type { Secret } from './secret.ts';

/** A name for a random secret that tells nothing of it: 64 bits of a SHA-256, for finding out who holds or used which. */
export function fingerprintOf(secret: Secret): string {
  const fingerprint = known.get(secret) ?? reckon(secret);
  known.set(secret, fingerprint);
  return fingerprint;
}

const known = new WeakMap<Secret, string>();

function reckon(secret: Secret): string {
  return createHash('sha256')
    .update('mailctl fingerprint\0')
    .update(secret.reveal())
    .digest('hex')
    .slice(0, 16);
}

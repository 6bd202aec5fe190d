import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

import type { Secret } from './secret.ts';

const iterations = 4096;

/** What PostgreSQL stores of a password (RFC 5802 §3), computed here so that the password itself never travels in a statement. */
export function scramVerifier(password: Secret, salt: Uint8Array): string {
  const salted = pbkdf2Sync(password.reveal(), salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}

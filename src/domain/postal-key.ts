import { createHash } from 'node:crypto';

const length = 20;

/**
 * The key under which a message is handed to Postal: 20 characters that no other message has. A pure function of its id, so that what a
 * relay ships again into a restored database is found at Postal under the same key.
 */
export function postalKeyFor(messageId: string): string {
  const digest = createHash('sha256').update(`mailctl postal key ${messageId}`).digest();
  return BigInt(`0x${digest.toString('hex')}`)
    .toString(36)
    .padStart(50, '0')
    .slice(-length);
}

import { hash } from 'node:crypto';

const length = 20;
const keys = 36n ** BigInt(length);

/**
 * The key under which a message is handed to Postal: 20 characters that no other message has. A pure function of its id, so that what a
 * relay ships again into a restored database is found at Postal under the same key.
 */
export function postalKeyFor(messageId: string): string {
  const digest = BigInt(`0x${hash('sha256', `mailctl postal key ${messageId}`, 'hex')}`);
  return (digest % keys).toString(36).padStart(length, '0');
}

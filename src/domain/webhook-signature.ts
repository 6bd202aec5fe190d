import { createHmac } from 'node:crypto';

import { Secret } from './secret.ts';

const prefix = 'whsec_';

/**
 * An endpoint's signing secret in the form of Standard Webhooks. 52 letters and digits are base64 of 39 bytes with 268 random
 * bits, and need no quoting anywhere.
 */
export function webhookSecret(letters: string): Secret {
  if (!/^[a-z0-9]{52}$/.test(letters))
    throw new RangeError('a webhook secret is made of 52 letters and digits');
  return new Secret(`${prefix}${letters}`);
}

/** One delivery as it is signed: the id stays the same in every attempt, the time is that of the attempt. */
export interface SignedContent {
  readonly id: string;
  readonly at: Date;
  readonly body: string;
}

/** The headers of Standard Webhooks 1.0: one `v1` signature for each secret, so that a rotation refuses nothing. */
export function webhookHeaders(content: SignedContent, secrets: readonly Secret[]): Record<string, string> {
  const timestamp = String(Math.floor(content.at.getTime() / 1000));
  const signatures = secrets.map(
    (secret) => `v1,${signature(`${content.id}.${timestamp}.${content.body}`, secret)}`,
  );
  return {
    'webhook-id': content.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

function signature(signed: string, secret: Secret): string {
  const key = Buffer.from(secret.reveal().slice(prefix.length), 'base64');
  return createHmac('sha256', key).update(signed).digest('base64');
}

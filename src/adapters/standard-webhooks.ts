import { Webhook } from 'standardwebhooks';

import type { Secret } from '../domain/secret.ts';
import type { ReceivedWebhook } from './webhook-inbox.ts';

/** True when the Standard Webhooks library, which we did not write, believes the signature. */
export function isSignedFor(secret: Secret, { headers, body }: ReceivedWebhook): boolean {
  try {
    new Webhook(secret.reveal()).verify(body, { ...headers });
    return true;
  } catch {
    return false;
  }
}

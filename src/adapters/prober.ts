import { composeMessage } from './mime.ts';
import { readMail, verifyDkim } from './read-mail.ts';
import { openSmtp } from './smtp.ts';
import { isSignedFor } from './standard-webhooks.ts';
import { openWebhookInbox } from './webhook-inbox.ts';

/** All that proving mail needs of the world, beside HTTP and the database. */
export const prober = {
  composeMessage,
  readMail,
  verifyDkim,
  openSmtp,
  isSignedFor,
  openWebhookInbox,
} as const;

/** See each member: they are adapters of their own. */
export type Prober = typeof prober;

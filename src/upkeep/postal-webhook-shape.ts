import { z } from 'zod';

import type { PostalWebhook } from '../domain/postal-event.ts';

const seconds = z.number().min(0).max(8_640_000_000_000);
const message = z.object({
  id: z.number().int(),
  token: z.string(),
  direction: z.string(),
  to: z.string().nullable(),
  from: z.string().nullable(),
});
const status = z.object({
  message,
  details: z.string().nullable(),
  output: z.string().nullable(),
  sent_with_ssl: z.boolean().nullable(),
  timestamp: seconds,
});
const load = z.object({ message, ip_address: z.string().nullable(), user_agent: z.string().nullable() });
const envelope = { uuid: z.guid(), timestamp: seconds };

const statusEvents = z.enum(['MessageSent', 'MessageDelayed', 'MessageDeliveryFailed', 'MessageHeld']);
const platformEvents = z.enum(['DomainDNSError', 'SendLimitApproaching', 'SendLimitExceeded']);

/** Postal's webhooks as recorded from 3.3.6; fields it may add are let pass. */
export const postalWebhook: z.ZodType<PostalWebhook> = z.discriminatedUnion('event', [
  z.object({ ...envelope, event: statusEvents, payload: status }),
  z.object({
    ...envelope,
    event: z.literal('MessageBounced'),
    payload: z.object({ original_message: message, bounce: message }),
  }),
  z.object({ ...envelope, event: z.literal('MessageLoaded'), payload: load }),
  z.object({
    ...envelope,
    event: z.literal('MessageLinkClicked'),
    payload: load.extend({ url: z.string() }),
  }),
  z.object({ ...envelope, event: platformEvents, payload: z.record(z.string(), z.unknown()) }),
]);

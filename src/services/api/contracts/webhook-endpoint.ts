import { z } from 'zod';

import { type EventKind, eventKinds } from '../../../domain/event.ts';
import { deliveryStates } from '../../../store/webhook-list.ts';

const types = Object.keys(eventKinds)
  .filter((kind): kind is EventKind => kind in eventKinds)
  .filter((kind) => eventKinds[kind].told)
  .map((kind) => `message.${kind}`);

/** An endpoint of AMS: where its events go, and which; none named means all. */
export const newEndpoint = z.strictObject({
  url: z
    .string()
    .max(2000)
    .refine((text) => isEndpointUrl(text), {
      error: 'is no http or https URL without user name and fragment',
    }),
  events: z
    .array(z.enum(types, { error: `must be one of ${types.join(', ')}` }))
    .max(types.length, { error: 'names an event twice' })
    .default([]),
});

export const endpoint = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  created_at: z.iso.datetime(),
  /** By an operator: what happens meanwhile waits. */
  paused_at: z.iso.datetime().nullable(),
  disabled_at: z.iso.datetime().nullable(),
  disabled_reason: z.string().nullable(),
});

/** The answer to a new endpoint: its signing secret is shown this once. */
export const createdEndpoint = endpoint.extend({ secret: z.string() });

export const endpointList = z.object({ endpoints: z.array(endpoint) });

export const endpointParams = z.object({ id: z.string().max(64) });

const state = z.enum(deliveryStates, { error: `must be one of ${deliveryStates.join(', ')}` });

/** A webhook without its body. */
const delivery = z.object({
  id: z.string(),
  endpoint_id: z.string(),
  event_id: z.string(),
  message_id: z.string(),
  type: z.string(),
  state,
  attempts: z.number().int(),
  last_status: z.number().int().nullable(),
  last_error: z.string().nullable(),
  created_at: z.iso.datetime(),
  next_attempt_at: z.iso.datetime().nullable(),
  delivered_at: z.iso.datetime().nullable(),
});

/** One page, newest first; `next_cursor` is null on the last. */
export const deliveryPage = z.object({
  deliveries: z.array(delivery),
  next_cursor: z.string().nullable(),
});

const deliveryId = /^whd_[0-9a-hjkmnp-tv-z]{26}$/;

export const deliveryQuery = z.strictObject({
  state: state.optional(),
  endpoint_id: z.string().max(64).optional(),
  cursor: z.string().regex(deliveryId, { error: 'is no cursor that this api gave' }).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** The webhook that carries a test. */
export const testQueued = z.object({ id: z.string() });

/** How a webhook fares: `waiting`, `delivered`, or `dead` once it was given up. */
export const deliveryStanding = z.object({
  id: z.string(),
  state,
  attempts: z.number().int(),
  last_status: z.number().int().nullable(),
  last_error: z.string().nullable(),
});

export const replayRequest = z.strictObject({
  ids: z
    .array(z.string().regex(deliveryId, { error: 'is no id of a delivery' }))
    .min(1, { error: 'is empty' })
    .max(1000, { error: 'has more than 1000 ids' }),
});

export const replayResult = z.object({ replayed: z.number().int() });

function isEndpointUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
}

import { z } from 'zod';

/** The envelope around every webhook of Postal; what is in the payload is for the worker to read. */
export const postalEnvelope = z.object({
  event: z.string().regex(/^[A-Za-z]{1,64}$/),
  uuid: z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
  timestamp: z.number(),
  payload: z.looseObject({}),
});

const address = z
  .string()
  .max(1000)
  .refine((text) => !text.includes('\u0000'));

/** Mail that a route of Postal hands to an HTTP endpoint (`BodyAsJSON`, `RawMessage`; recorded from 3.3.6). */
export const postalInbound = z.object({
  id: z.number().int(),
  rcpt_to: address,
  mail_from: address.nullish().transform((text) => text ?? ''),
  message: z.string(),
  base64: z.literal(true),
});

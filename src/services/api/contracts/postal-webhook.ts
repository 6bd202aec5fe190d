import { z } from 'zod';

/** The envelope around every webhook of Postal; what is in the payload is for the worker to read. */
export const postalEnvelope = z.object({
  event: z.string().regex(/^[A-Za-z]{1,64}$/),
  uuid: z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
  timestamp: z.number(),
  payload: z.looseObject({}),
});

import { z } from 'zod';

/** A credential as the api tells it, and as it is kept beside the journal; an older one has no bounds. */
export const credentialShape = z.object({
  id: z.string(),
  username: z.string(),
  senderDomains: z.array(z.string().toLowerCase()),
  networks: z.array(z.string()).optional(),
  rate: z.object({ messages: z.number().positive(), periodMs: z.number().positive() }).optional(),
  /** From when on the password it logged in with is refused. */
  endsAt: z.iso.datetime().optional(),
  daily: z.object({ limit: z.number(), sent: z.number(), at: z.iso.datetime() }).optional(),
});

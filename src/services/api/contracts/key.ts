import { z } from 'zod';

/** The key that a request carried; its secret is nowhere. */
export const ownKey = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
  /** CIDR; none means from anywhere. */
  networks: z.array(z.string()),
  /** Null means the rate of all keys. */
  rate: z.object({ requests: z.number().int(), period_seconds: z.number() }).nullable(),
});

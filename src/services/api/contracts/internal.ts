import { z } from 'zod';

/** What the relay asks about somebody who logs in. */
export const smtpAuthQuestion = z.strictObject({
  username: z
    .string()
    .max(512)
    .refine((text) => !text.includes('\u0000'), { error: 'holds a NUL' }),
  password: z.string().max(1024),
});

/** Which secrets a relay holds, by variable and fingerprint. */
export const heldSecrets = z.object({
  holder: z.string().min(1).max(200),
  held: z.record(z.string().max(100), z.string().regex(/^[0-9a-f]{16}$/)),
});

/** From where may be sent; `anew` waits for a look at Postal that begins after the question. */
export const senderDomainsQuestion = z.strictObject({ anew: z.boolean().default(false) });

import { z } from 'zod';

/** What the relay asks about somebody who logs in. */
export const smtpAuthQuestion = z.strictObject({
  username: z
    .string()
    .max(512)
    .refine((text) => !text.includes('\u0000'), { error: 'holds a NUL' }),
  password: z.string().max(1024),
});

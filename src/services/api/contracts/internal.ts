import { z } from 'zod';

/** What the relay asks about somebody who logs in. */
export const smtpAuthQuestion = z.strictObject({
  username: z.string().max(512),
  password: z.string().max(1024),
});

import { z } from 'zod';

/** What Postal's legacy API answers with status 200, success and failure alike. */
export const postalAnswer = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data: z.object({
      messages: z.record(z.string(), z.object({ id: z.number().int(), token: z.string() })),
    }),
  }),
  z.object({ status: z.literal('error'), data: z.object({ code: z.string() }) }),
  z.object({ status: z.literal('parameter-error'), data: z.object({ message: z.string() }) }),
]);

export type PostalAnswer = z.output<typeof postalAnswer>;

import { z } from 'zod';

/** The last day where no time is named. */
export const statisticsQuery = z.strictObject({
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  tag: z.string().max(255).optional(),
});

export const statistics = z.object({
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  messages: z.number().int(),
  bytes: z.number(),
  /** Recipients by state. */
  recipients: z.record(z.string(), z.number().int()),
  opens: z.number().int(),
  clicks: z.number().int(),
});

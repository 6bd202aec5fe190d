import { z } from 'zod';

import { acceptedMessage } from './message.ts';
import { problem } from './problem.ts';

/** Up to `most` messages of any shape: each is looked at for itself. */
export function batchOf(most: number) {
  return z.strictObject({
    messages: z
      .array(z.unknown())
      .min(1, { error: 'is empty' })
      .max(most, { error: `has more than ${most} messages` }),
  });
}

/** What became of each message, in their order. */
export const batchResults = z.object({
  results: z.array(
    z.discriminatedUnion('outcome', [
      z.object({ outcome: z.literal('accepted'), message: acceptedMessage }),
      z.object({ outcome: z.literal('refused'), problem }),
    ]),
  ),
});

export type BatchResults = z.output<typeof batchResults>;

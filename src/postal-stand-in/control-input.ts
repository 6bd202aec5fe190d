import { z } from 'zod';

import { type FaultKind, faultKinds, isFaultKind } from './faults.ts';
import { measuredPace } from './options.ts';

const faultKind = z.custom<FaultKind>((name) => typeof name === 'string' && isFaultKind(name), {
  error: `must be one of ${Object.keys(faultKinds).join(', ')}`,
});

/** A fault as it is ordered over HTTP. */
export const faultOrder = z.strictObject({
  kind: faultKind,
  count: z.int().min(1).exactOptional(),
  scope: z
    .strictObject({
      path: z.string().exactOptional(),
      mail_from: z.string().exactOptional(),
      rcpt_to: z.string().exactOptional(),
      event: z.string().exactOptional(),
    })
    .exactOptional(),
  ms: z.int().min(0).exactOptional(),
  recipients: z.int().min(1).exactOptional(),
});

/** Recipients a second, where 0 is as fast as it goes; or the word for Postal's own speed. */
export const paceChange = z.union([
  z.literal('measured').transform(() => measuredPace),
  z.strictObject({
    acceptPerSecond: z.number().min(0).exactOptional(),
    deliverPerSecond: z.number().min(0).exactOptional(),
  }),
]);

/** An event of Postal's that no mail of ours brings about. */
export const eventOrder = z.strictObject({
  event: z.enum(['DomainDNSError', 'SendLimitApproaching', 'SendLimitExceeded', 'IncomingMessage']),
});

/** The stations of a message, in the order it passes them. */
export const hops = [
  'relay',
  'api',
  'worker',
  'postal',
  'mailbox',
  'tracking',
  'postal-webhook',
  'ams-webhook',
  'http-api',
] as const;

export type Hop = (typeof hops)[number];

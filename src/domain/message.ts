/** Where one recipient of a message stands. Final ones are never sent again by themselves. */
export const recipientStates = {
  scheduled: { final: false, means: 'waits for its send time' },
  queued: { final: false, means: 'waits for the worker' },
  sending: { final: false, means: 'a worker is handing it to Postal' },
  uncertain: { final: false, means: 'a hand-over ended without a clear answer; Postal will be asked' },
  accepted: { final: false, means: 'Postal has it and has not reported yet' },
  delayed: { final: false, means: 'Postal met a temporary failure and tries again' },
  held: { final: false, means: 'held, by Postal or by the operator, until released' },
  delivered: { final: true, means: "the recipient's server took it" },
  bounced: { final: true, means: 'it came back after delivery' },
  failed: { final: true, means: 'it could not be delivered' },
  suppressed: { final: true, means: 'not sent: the address is on the suppression list' },
  cancelled: { final: true, means: 'taken out before it was sent' },
} as const satisfies Record<string, { final: boolean; means: string }>;

export type RecipientState = keyof typeof recipientStates;

const order: readonly RecipientState[] = [
  'sending',
  'uncertain',
  'queued',
  'scheduled',
  'held',
  'delayed',
  'accepted',
  'failed',
  'bounced',
  'suppressed',
  'cancelled',
  'delivered',
];

/** A message's state is that of its recipient that most wants attention. */
export function messageState(states: readonly RecipientState[]): RecipientState {
  return order.find((state) => states.includes(state)) ?? 'queued';
}

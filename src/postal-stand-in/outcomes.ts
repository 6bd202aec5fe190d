import type { DeliveryStatus } from './messages.ts';

/** How a delivery attempt ends, in the words of Postal's deliveries. */
export interface Outcome {
  readonly status: DeliveryStatus;
  readonly details: string;
  readonly output: string;
  readonly sentWithSsl: boolean | null;
  readonly time: number | null;
  /** A bounce message comes in after it was sent. */
  readonly bounces?: boolean;
  /** Its recipient's provider reports it as unwanted (ARF). */
  readonly complains?: boolean;
}

type Ending = (address: string, attempt: number) => Outcome;

/** Local parts, with or without `+anything`, that choose how delivery to them ends. Everyone else gets the mail. */
export const recipientOutcomes = {
  bounce: {
    means:
      'is delivered, and then comes back with 5.1.1, or the code behind a plus: bounce+5.7.1@…, or as a delay: bounce+4.4.1@… (MessageSent, MessageBounced)',
    end: bounced,
  },
  complaint: {
    means: 'is delivered, and then reported as unwanted (MessageSent, ARF mail)',
    end: complained,
  },
  delayed: {
    means: 'meets one temporary failure, then is delivered (MessageDelayed, MessageSent)',
    end: delayed,
  },
  softfail: { means: 'fails for the time being, 18 times over (MessageDelayed)', end: softFailed },
  hardfail: {
    means: 'is refused for good with 5.1.1, or the code behind a plus (MessageDeliveryFailed)',
    end: hardFailed,
  },
  held: { means: 'is held as if on the suppression list (MessageHeld)', end: held },
} as const satisfies Record<string, { means: string; end: Ending }>;

/** How the attempt (the first is 1) to deliver to an address ends. */
export function outcomeFor(address: string, attempt: number): Outcome {
  if (address === '') return { ...nowhere, status: 'HardFail', details: "Message doesn't have an RCPT to" };
  if (!address.includes('@')) return unreachable(address);
  const name = address.slice(0, address.lastIndexOf('@')).replace(/\+.*$/, '').toLowerCase();
  const chosen = Object.entries(recipientOutcomes).find(([localPart]) => localPart === name);
  return chosen ? chosen[1].end(address, attempt) : sent(address);
}

const nowhere = { output: '', sentWithSsl: null, time: null } as const;

function sent(address: string): Outcome {
  return {
    status: 'Sent',
    details: `Message for ${address} accepted by 127.0.0.1:25 (${exchangeOf(address)})`,
    output: '250 2.0.0 Ok: delivered to the mailbox of the stand-in',
    sentWithSsl: false,
    time: 0.01,
  };
}

function bounced(address: string): Outcome {
  return { ...sent(address), bounces: true };
}

function complained(address: string): Outcome {
  return { ...sent(address), complains: true };
}

/** The enhanced status code behind a plus in the local part, else that of an unknown user. */
export function codeFor(address: string): string {
  return /\+([45]\.\d{1,3}\.\d{1,3})@/.exec(address)?.[1] ?? '5.1.1';
}

/** The reply of a server that refuses for good, or for the time being where the code says so. */
export function refusalOf(address: string): string {
  const code = codeFor(address);
  return `${code.startsWith('4') ? 450 : 550} ${code} ${code === '5.1.1' ? 'user unknown' : 'refused'}`;
}

function delayed(address: string, attempt: number): Outcome {
  return attempt > 1 ? sent(address) : softFailed(address);
}

/** The recipient's server answers 451. */
export function softFailed(address: string): Outcome {
  return {
    status: 'SoftFail',
    details: `Temporary SMTP delivery error when sending to 127.0.0.1:25 (${exchangeOf(address)})`,
    output: '451 4.7.1 try again later',
    sentWithSsl: false,
    time: 0.01,
  };
}

/** The recipient's server answers 550. */
export function hardFailed(address: string): Outcome {
  return {
    status: 'HardFail',
    details: `Permanent SMTP delivery error when sending to 127.0.0.1:25 (${exchangeOf(address)})`,
    output: refusalOf(address),
    sentWithSsl: false,
    time: 0.01,
  };
}

/** Postal's own suppression list stops it. */
export function held(address: string): Outcome {
  const details = `Recipient (${address}) is on the suppression list (reason: too many hard fails)`;
  return { ...nowhere, status: 'Held', details };
}

/** The last of the attempts has failed for the time being. */
export function exhausted(attempts: number): Outcome {
  const details = `Maximum number of delivery attempts (${attempts}) has been reached.`;
  return { ...nowhere, status: 'HardFail', details };
}

function unreachable(address: string): Outcome {
  const details = `No SMTP servers were available for ${address}. No hosts to try.`;
  return { status: 'SoftFail', details, output: '', sentWithSsl: false, time: null };
}

function exchangeOf(address: string): string {
  return `mx.${address.slice(address.lastIndexOf('@') + 1)}`;
}

/** Everything that can be made to go wrong, where it does, and what then happens. */
export const faultKinds = {
  'server-error': { at: 'request', means: 'answers 500 with a page of html; nothing is stored' },
  'server-suspended': { at: 'request', means: 'answers the error ServerSuspended; nothing is stored' },
  'dropped-before': { at: 'request', means: 'closes the connection; nothing is stored' },
  'dropped-after': { at: 'answer', means: 'stores everything, then closes the connection without an answer' },
  'slow-answer': { at: 'answer', means: 'stores everything at once, but answers only after `ms`' },
  'slow-accept': { at: 'accept', means: 'takes `ms` for each recipient and goes on when the client is gone' },
  'killed-midway': {
    at: 'accept',
    means: 'closes the connection after `recipients` rows; the last of them is an orphan, never queued',
  },
  'delivery-451': { at: 'delivery', means: "the recipient's server answers 451; Postal tries again" },
  'delivery-550': { at: 'delivery', means: "the recipient's server answers 550; Postal gives up" },
  'delivery-withheld': { at: 'delivery', means: 'the message stays Pending, as behind a stale lock' },
  'webhook-withheld': {
    at: 'webhook',
    means: 'the event is never sent, as if it had been dropped after 36 minutes',
  },
  'webhook-foreign-key': { at: 'webhook', means: 'the event is signed by a key that is not in the JWKS' },
  'tracking-error': { at: 'tracking', means: 'pixel and links answer 500; nothing is counted' },
} as const satisfies Record<string, { at: string; means: string }>;

export type FaultKind = keyof typeof faultKinds;

/** Which occasions a fault is for; each field given must match. */
export interface FaultScope {
  readonly path?: string;
  readonly mail_from?: string;
  readonly rcpt_to?: string;
  readonly event?: string;
}

export interface FaultOrder {
  readonly kind: FaultKind;
  /** How often it happens; for ever when absent. */
  readonly count?: number;
  readonly scope?: FaultScope;
  readonly ms?: number;
  readonly recipients?: number;
}

/** What an occasion looks like to a fault's scope. */
export interface Occasion {
  readonly path?: string;
  readonly mailFrom?: string;
  readonly rcptTo?: readonly string[];
  readonly event?: string;
}

/** The faults that were ordered and have not run out. */
export interface Faults {
  order(fault: FaultOrder): void;
  /** Uses up one occasion of the first fault that matches. */
  take(kind: FaultKind, occasion: Occasion): FaultOrder | undefined;
  list(): FaultOrder[];
  reset(): void;
}

/** True for the name of a fault. */
export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(faultKinds, name);
}

/** No faults yet; those ordered first are used up first. */
export function openFaults(): Faults {
  let orders: (FaultOrder & { left: number })[] = [];
  return {
    order: (fault) => {
      orders.push({ ...fault, left: fault.count ?? Number.POSITIVE_INFINITY });
    },
    take: (kind, occasion) => {
      const found = orders.find((order) => order.kind === kind && matches(order.scope ?? {}, occasion));
      if (found) found.left -= 1;
      orders = orders.filter((order) => order.left > 0);
      return found;
    },
    list: () =>
      orders.map(({ left, ...order }) => (Number.isFinite(left) ? { ...order, count: left } : order)),
    reset: () => {
      orders = [];
    },
  };
}

function matches(scope: FaultScope, occasion: Occasion): boolean {
  const isWithin = {
    path: () => scope.path === occasion.path,
    mail_from: () => scope.mail_from === occasion.mailFrom,
    rcpt_to: () => occasion.rcptTo?.includes(scope.rcpt_to ?? '') === true,
    event: () => scope.event === occasion.event,
  };
  return Object.entries(isWithin).every(([field, holds]) => !Object.hasOwn(scope, field) || holds());
}

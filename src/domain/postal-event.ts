import type { EventDetail, EventKind } from './event.ts';

/** A message as Postal's webhooks name it. */
export interface PostalMessage {
  readonly id: number;
  readonly token: string;
  readonly direction: string;
  readonly to: string | null;
  /** The `mail_from` of the hand-over: our key. */
  readonly from: string | null;
}

interface Status {
  readonly message: PostalMessage;
  readonly details: string | null;
  readonly output: string | null;
  readonly sent_with_ssl: boolean | null;
  /** Seconds since 1970, of the delivery attempt. */
  readonly timestamp: number;
}

interface Load {
  readonly message: PostalMessage;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
}

/** Postal's webhooks (recorded from 3.3.6): the envelope, and what it holds. `timestamp` is seconds since 1970. */
export type PostalWebhook = { readonly uuid: string; readonly timestamp: number } & (
  | {
      readonly event: 'MessageSent' | 'MessageDelayed' | 'MessageDeliveryFailed' | 'MessageHeld';
      readonly payload: Status;
    }
  | {
      readonly event: 'MessageBounced';
      readonly payload: { readonly original_message: PostalMessage; readonly bounce: PostalMessage };
    }
  | { readonly event: 'MessageLoaded'; readonly payload: Load }
  | { readonly event: 'MessageLinkClicked'; readonly payload: Load & { readonly url: string } }
  | {
      readonly event: 'DomainDNSError' | 'SendLimitApproaching' | 'SendLimitExceeded';
      readonly payload: Readonly<Record<string, unknown>>;
    }
);

/** What one of Postal's webhooks means to us. */
export type Meaning =
  | {
      readonly is: 'event';
      readonly kind: EventKind;
      /** Postal's time of what happened. */
      readonly at: Date;
      readonly message: PostalMessage;
      readonly detail: EventDetail;
    }
  /** Mail that came in to Postal is not ours to count. */
  | { readonly is: 'incoming' }
  /** Of the whole platform, for the operator. */
  | { readonly is: 'platform'; readonly detail: EventDetail };

/** The kind of event that each of Postal's webhooks about a message tells of. */
export const kindsOfWebhooks = {
  MessageSent: 'delivered',
  MessageDelayed: 'delayed',
  MessageDeliveryFailed: 'failed',
  MessageHeld: 'held',
  MessageBounced: 'bounced',
  MessageLoaded: 'opened',
  MessageLinkClicked: 'clicked',
} as const satisfies Record<string, EventKind>;

/** Works out the meaning of a webhook; the same for the same bytes, whenever they arrive. */
export function meaning(webhook: PostalWebhook): Meaning {
  switch (webhook.event) {
    case 'MessageSent':
    case 'MessageDelayed':
    case 'MessageDeliveryFailed':
    case 'MessageHeld':
      return ofMessage(kindsOfWebhooks[webhook.event], webhook.payload.message, {
        at: webhook.payload.timestamp,
        detail: statusDetail(webhook.payload),
      });
    case 'MessageBounced':
      return ofMessage('bounced', webhook.payload.original_message, {
        at: webhook.timestamp,
        detail: { bounce_postal_id: webhook.payload.bounce.id },
      });
    case 'MessageLoaded':
      return ofMessage('opened', webhook.payload.message, {
        at: webhook.timestamp,
        detail: visitDetail(webhook.payload),
      });
    case 'MessageLinkClicked':
      return ofMessage('clicked', webhook.payload.message, {
        at: webhook.timestamp,
        detail: { url: clean(webhook.payload.url), ...visitDetail(webhook.payload) },
      });
    default:
      return { is: 'platform', detail: scalars(webhook.payload) };
  }
}

interface Happened {
  readonly at: number;
  readonly detail: EventDetail;
}

function ofMessage(kind: EventKind, message: PostalMessage, { at, detail }: Happened): Meaning {
  if (message.direction !== 'outgoing') return { is: 'incoming' };
  const facts = { ...detail, postal_id: message.id, postal_token: message.token };
  return { is: 'event', kind, at: new Date(at * 1000), message, detail: facts };
}

function statusDetail({ details, output, sent_with_ssl: withTls }: Status): EventDetail {
  return { details: clean(details ?? ''), output: clean(output ?? ''), with_tls: withTls };
}

function visitDetail({ ip_address: ip, user_agent: agent }: Load): EventDetail {
  return { ip_address: clean(ip ?? ''), user_agent: clean(agent ?? ''), is_machine: isMachine(agent ?? '') };
}

/** Proxies and scanners that load pictures or follow links before any person does. */
function isMachine(agent: string): boolean {
  return (
    agent === '' ||
    agent === 'Mozilla/5.0' ||
    /GoogleImageProxy|YahooMailProxy|bot\b|crawler|spider|preview|scanner|Barracuda|Mimecast|Proofpoint/i.test(
      agent,
    )
  );
}

/** The local part of `from`, which is our key for the message; undefined when Postal names no sender. */
export function postalKeyOf(message: PostalMessage): string | undefined {
  const at = message.from?.lastIndexOf('@') ?? -1;
  return at > 0 ? message.from?.slice(0, at) : undefined;
}

/** Text that PostgreSQL's jsonb takes: no NUL, no half of a surrogate pair. */
function clean(text: string): string {
  return Buffer.from(text.replaceAll('\u0000', '\uFFFD'), 'utf8').toString('utf8');
}

function scalars(payload: Readonly<Record<string, unknown>>): EventDetail {
  return Object.fromEntries(
    Object.entries(payload).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, value]]
        : [],
    ),
  );
}

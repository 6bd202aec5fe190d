import { meaning, type PostalMessage, type PostalWebhook } from './postal-event.ts';
import type { Happening } from './reconciliation.ts';

/** A row of Postal's `deliveries`. Times are seconds since 1970. */
export interface DeliveryRow {
  readonly id: number;
  readonly status: string;
  readonly details: string | null;
  readonly output: string | null;
  readonly sentWithSsl: number | null;
  readonly timestamp: number;
}

/** A row of Postal's `loads`, or of its `clicks` with the link's target. */
export interface VisitRow {
  readonly id: number;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly timestamp: number;
  /** Of a click. */
  readonly url: string | null;
}

/** What a delivery row shows; undefined for what is none of a sent message. */
export function deliveryHappening(message: PostalMessage, row: DeliveryRow): Happening | undefined {
  const event = statusEvents.get(row.status);
  const name = `deliveries:${row.id}`;
  if (event) return happening(name, { event, ...envelope(row), payload: statusOf(message, row) });
  if (row.status === 'Bounced') return bounced(message, row);
  const silent = silentStatuses.get(row.status);
  if (!silent) return undefined;
  const shown = happening(name, { event: silent, ...envelope(row), payload: statusOf(message, row) });
  return (
    shown && {
      ...shown,
      kind: row.status === 'HoldCancelled' ? 'cancelled' : shown.kind,
      hasWebhook: false,
    }
  );
}

/** What a load or a click shows. */
export function visitHappening(message: PostalMessage, row: VisitRow): Happening | undefined {
  const visit = { message, ip_address: row.ipAddress, user_agent: row.userAgent };
  if (row.url === null)
    return happening(`loads:${row.id}`, { event: 'MessageLoaded', ...envelope(row), payload: visit });
  const payload = { ...visit, url: row.url };
  return happening(`clicks:${row.id}`, { event: 'MessageLinkClicked', ...envelope(row), payload });
}

/** A copy that Postal will never send, because it is in no queue any more; its time is right after what last happened to it. */
export function lostHappening(
  message: PostalMessage,
  rows: readonly DeliveryRow[],
  storedAt: number,
): Happening {
  const last = rows.toSorted((one, other) => other.timestamp - one.timestamp)[0];
  return {
    name: `lost:${last?.id ?? 0}`,
    kind: 'failed',
    at: new Date((last?.timestamp ?? storedAt) * 1000 + 1),
    detail: {
      details:
        'Postal has dropped it from its queue unsent, as it does with what a killed worker left locked; it may have reached the recipient or not, and is not sent again by itself',
      postal_id: message.id,
      postal_token: message.token,
    },
    hasWebhook: false,
  };
}

type StatusEvent = 'MessageSent' | 'MessageDelayed' | 'MessageDeliveryFailed' | 'MessageHeld';

const statusEvents: ReadonlyMap<string, StatusEvent> = new Map([
  ['Sent', 'MessageSent'],
  ['SoftFail', 'MessageDelayed'],
  ['HardFail', 'MessageDeliveryFailed'],
  ['Held', 'MessageHeld'],
]);

/** Statuses of which no webhook tells, with one that is written alike. An internal error of Postal is tried again. */
const silentStatuses: ReadonlyMap<string, StatusEvent> = new Map([
  ['Error', 'MessageDelayed'],
  ['HoldCancelled', 'MessageHeld'],
]);

function envelope({ timestamp }: { readonly timestamp: number }) {
  return { uuid: '', timestamp };
}

function statusOf(message: PostalMessage, { details, output, sentWithSsl, timestamp }: DeliveryRow) {
  const withSsl = sentWithSsl === null ? null : sentWithSsl === 1;
  return { message, details, output, sent_with_ssl: withSsl, timestamp };
}

/** The row names the report that came back only in its text. */
function bounced(message: PostalMessage, row: DeliveryRow): Happening | undefined {
  const [, id] = /<msg:(\d+)>/.exec(row.details ?? '') ?? [];
  if (id === undefined) return undefined;
  const payload = {
    original_message: message,
    bounce: { ...message, id: Number(id), direction: 'incoming' },
  };
  return happening(`deliveries:${row.id}`, { event: 'MessageBounced', ...envelope(row), payload });
}

function happening(name: string, webhook: PostalWebhook): Happening | undefined {
  const read = meaning(webhook);
  if (read.is !== 'event') return undefined;
  const { kind, at, detail } = read;
  return { name, kind, at, detail, hasWebhook: true };
}

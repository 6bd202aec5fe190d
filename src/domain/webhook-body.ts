import type { Event } from './event.ts';

/** What identifies a message to whoever submitted it. */
export interface MessageLabel {
  readonly id: string;
  readonly headerMessageId: string | null;
  readonly subject: string | null;
  readonly tag: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The `type` of an event's webhook. */
export function webhookType(event: Pick<Event, 'kind'>): string {
  return `message.${event.kind}`;
}

/** The JSON of a test of an endpoint. */
export function testWebhookBody(endpointId: string, at: Date): string {
  return JSON.stringify({
    type: 'webhook.test',
    timestamp: at.toISOString(),
    data: { endpoint_id: endpointId },
  });
}

/**
 * The JSON that AMS receives: `{type, timestamp, data}` as Standard Webhooks has it. `timestamp` is when it happened, `data.event_id`
 * is the `webhook-id`, and `data.detail` holds what the kind brings (a remote reply, a clicked url …).
 */
export function webhookBody(event: Event, message: MessageLabel): string {
  return JSON.stringify({
    type: webhookType(event),
    timestamp: event.at.toISOString(),
    data: {
      event_id: event.id,
      message_id: message.id,
      header_message_id: message.headerMessageId,
      recipient: event.recipient,
      subject: message.subject,
      tag: message.tag,
      metadata: message.metadata,
      detail: event.detail,
    },
  });
}

import type { Delivery, MessageRow } from './messages.ts';
import { float, type RubyValue } from './ruby-json.ts';

type Payload = { readonly [name: string]: RubyValue };

/** The message as every payload carries it; an empty address is null. */
export function messagePayload(row: MessageRow): Payload {
  return {
    id: row.id,
    token: row.token,
    direction: row.direction,
    message_id: row.messageId,
    to: row.rcptTo || null,
    from: row.mailFrom || null,
    subject: row.subject,
    timestamp: float(row.timestamp),
    spam_status: row.direction === 'incoming' && !row.bounce ? 'NotSpam' : 'NotChecked',
    tag: row.tag,
  };
}

/** Payload of MessageSent, MessageDelayed, MessageDeliveryFailed and MessageHeld; texts are cut at 250 letters. */
export function deliveryPayload(row: MessageRow, delivery: Delivery): Payload {
  return {
    message: messagePayload(row),
    status: delivery.status,
    details: delivery.details.slice(0, 250),
    output: delivery.output.slice(0, 250),
    sent_with_ssl: delivery.sentWithSsl,
    timestamp: float(delivery.timestamp),
    time: delivery.time === null ? null : float(delivery.time),
  };
}

/** Payload of MessageBounced: the message that was sent, and the report that came back. */
export function bouncePayload(original: MessageRow, bounce: MessageRow): Payload {
  return { original_message: messagePayload(original), bounce: messagePayload(bounce) };
}

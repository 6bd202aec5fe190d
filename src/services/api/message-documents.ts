import type { z } from 'zod';

import type { EventView, MessageView } from '../../store/message-views.ts';
import type { message, messageWithEvents } from './contracts/message.ts';

/** A message as the api shows it. */
export function messageDocument(view: MessageView): z.input<typeof message> {
  return {
    id: view.id,
    state: view.state,
    created_at: view.receivedAt.toISOString(),
    source: view.source,
    mail_from: view.mailFrom,
    message_id: view.headerMessageId ?? null,
    subject: view.subject ?? null,
    tag: view.tag ?? null,
    priority: view.priority,
    metadata: { ...view.metadata },
    size_bytes: view.sizeBytes,
    recipients: view.recipients.map(({ address, state, detail, opens, clicks, changedAt }) => ({
      address,
      state,
      detail: detail ?? null,
      opens,
      clicks,
      changed_at: changedAt.toISOString(),
    })),
  };
}

/** A message and what happened to it. */
export function timelineDocument(
  view: MessageView,
  events: readonly EventView[],
): z.input<typeof messageWithEvents> {
  return {
    ...messageDocument(view),
    events: events.map(({ id, kind, at, recipient, detail }) => ({
      id,
      type: kind,
      at: at.toISOString(),
      recipient: recipient ?? null,
      detail: { ...detail },
    })),
  };
}

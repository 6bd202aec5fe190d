import type { ListedDelivery } from '../store/webhook-list.ts';

/** A webhook as the api and the command line show it. Times are ISO 8601. */
export interface ShownDelivery {
  readonly id: string;
  readonly endpoint_id: string;
  readonly event_id: string;
  readonly message_id: string;
  readonly type: string;
  readonly state: ListedDelivery['state'];
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly created_at: string;
  readonly next_attempt_at: string | null;
  readonly delivered_at: string | null;
}

/** A webhook in that form. */
export function shownDelivery(one: ListedDelivery): ShownDelivery {
  return {
    id: one.id,
    endpoint_id: one.endpointId,
    event_id: one.eventId,
    message_id: one.messageId,
    type: one.type,
    state: one.state,
    attempts: one.attempts,
    last_status: one.lastStatus,
    last_error: one.lastError,
    created_at: one.createdAt.toISOString(),
    next_attempt_at: one.nextAttemptAt?.toISOString() ?? null,
    delivered_at: one.deliveredAt?.toISOString() ?? null,
  };
}

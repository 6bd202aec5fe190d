import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { deadWebhooks } from '../../store/webhook-deliveries.ts';
import {
  findWebhookEndpoint,
  listWebhookEndpoints,
  type WebhookEndpoint,
} from '../../store/webhook-endpoints.ts';

/** An endpoint in the form of the report; its secret is not in it. */
export interface ShownEndpoint {
  readonly id: string;
  readonly url: string;
  readonly state: 'active' | 'paused' | 'disabled';
  readonly reason: string | null;
  /** Empty means all. */
  readonly events: readonly string[];
  readonly created_at: string;
}

/** A webhook that was given up. */
export interface ShownDelivery {
  readonly id: string;
  readonly endpoint_id: string;
  readonly event_id: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly created_at: string;
}

/** Every endpoint, oldest first. */
export async function showEndpoints(db: Database): Promise<{ readonly endpoints: readonly ShownEndpoint[] }> {
  return { endpoints: (await listWebhookEndpoints(db)).map(shownEndpoint) };
}

/** The dead-letter list, oldest first; of one endpoint where it is named. */
export async function showDead(
  db: Database,
  limit: number,
  endpointId: string | undefined,
): Promise<{ readonly deliveries: readonly ShownDelivery[] }> {
  const dead = await deadWebhooks(db, limit, endpointId);
  return {
    deliveries: dead.map(({ id, endpointId, eventId, attempts, lastStatus, lastError, createdAt }) => ({
      id,
      endpoint_id: endpointId,
      event_id: eventId,
      attempts,
      last_status: lastStatus,
      last_error: lastError,
      created_at: createdAt.toISOString(),
    })),
  };
}

/** The endpoint. Throws `usage` when there is none of this id. */
export async function requireEndpoint(db: Database, id: string): Promise<WebhookEndpoint> {
  const endpoint = await findWebhookEndpoint(db, id);
  if (endpoint) return endpoint;
  throw new OperatorError('usage', `there is no endpoint ${id}`, {
    hint: 'See which there are: mailctl webhooks list',
    field: 'id',
  });
}

function shownEndpoint(endpoint: WebhookEndpoint): ShownEndpoint {
  const { id, url, events, createdAt, pausedAt, disabledAt, disabledReason } = endpoint;
  const state = disabledAt ? 'disabled' : pausedAt ? 'paused' : 'active';
  return { id, url, state, reason: disabledReason ?? null, events, created_at: createdAt.toISOString() };
}

import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import {
  findWebhookEndpoint,
  listWebhookEndpoints,
  type WebhookEndpoint,
} from '../../store/webhook-endpoints.ts';
import { type DeliveryState, deliveryStates, listDeliveries } from '../../store/webhook-list.ts';
import { type ShownDelivery, shownDelivery } from '../../upkeep/shown-delivery.ts';

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

export interface ShownDeliveries {
  readonly deliveries: readonly ShownDelivery[];
  /** For `--cursor`; null on the last page. */
  readonly next_cursor: string | null;
}

/** Every endpoint, oldest first. */
export async function showEndpoints(db: Database): Promise<{ readonly endpoints: readonly ShownEndpoint[] }> {
  return { endpoints: (await listWebhookEndpoints(db)).map(shownEndpoint) };
}

/** Which webhooks are meant, as it was typed. */
export interface WrittenDeliveries {
  readonly state?: string;
  readonly endpoint?: string;
}

/** A page of webhooks, newest first. Throws `usage` for a state that is none. */
export async function showDeliveries(
  db: Database,
  { state, endpoint }: WrittenDeliveries,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): Promise<ShownDeliveries> {
  const filter = { state: state === undefined ? undefined : readState(state), endpointId: endpoint };
  const found = await listDeliveries(db, filter, { before: cursor, limit: limit + 1 });
  const deliveries = found.slice(0, limit).map(shownDelivery);
  return { deliveries, next_cursor: found.length > limit ? (deliveries.at(-1)?.id ?? null) : null };
}

function readState(text: string): DeliveryState {
  const state = deliveryStates.find((known) => known === text);
  if (state) return state;
  throw new OperatorError('usage', `--state: "${text}" is no state of a webhook`, {
    hint: `States: ${deliveryStates.join(', ')}`,
    field: '--state',
  });
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

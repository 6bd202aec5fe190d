import { findDelivery, listDeliveries, replayWebhooks } from '../../../store/webhook-list.ts';
import { shownDelivery } from '../../../upkeep/shown-delivery.ts';
import { type Gate, requireKey } from '../authenticate.ts';
import { problemResponses } from '../contracts/problem.ts';
import {
  deliveryPage,
  deliveryQuery,
  deliveryStanding,
  endpointParams,
  replayRequest,
  replayResult,
} from '../contracts/webhook-endpoint.ts';
import type { HttpServer } from '../http-server.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';

const tags = ['webhooks'];

/** What becomes of webhooks, and sending again what was given up. */
export function defineWebhookDeliveries(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  defineList(server, gate, db);
  defineStanding(server, gate, db);
  server.route({
    method: 'POST',
    url: '/v1/webhooks/deliveries/replay',
    schema: {
      summary: 'Send webhooks again that were given up; others are left alone',
      tags,
      body: replayRequest,
      response: { 200: replayResult, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ body }) => ({ replayed: await replayWebhooks(db, body.ids) }),
  });
}

function defineList(server: HttpServer, gate: Gate, db: ApiWorld['db']): void {
  server.route({
    method: 'GET',
    url: '/v1/webhooks/deliveries',
    schema: {
      summary:
        'List webhooks, newest first: those that wait, that were delivered, that were given up, or all',
      tags,
      querystring: deliveryQuery,
      response: { 200: deliveryPage, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ query: { state, endpoint_id: endpointId, cursor, limit } }) => {
      const found = await listDeliveries(db, { state, endpointId }, { before: cursor, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = found.length > page.length ? page.at(-1) : undefined;
      return { deliveries: page.map(shownDelivery), next_cursor: last?.id ?? null };
    },
  });
}

function defineStanding(server: HttpServer, gate: Gate, db: ApiWorld['db']): void {
  server.route({
    method: 'GET',
    url: '/v1/webhooks/deliveries/:id',
    schema: {
      summary: 'Show how a webhook fares, such as that of a test',
      tags,
      params: endpointParams,
      response: { 200: deliveryStanding, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ params: { id } }) => {
      const found = await findDelivery(db, id);
      if (!found) throw new ApiProblem('not-found', 'There is no such webhook', { field: 'id' });
      const { state, attempts, lastStatus, lastError } = found;
      return { id, state, attempts, last_status: lastStatus, last_error: lastError };
    },
  });
}

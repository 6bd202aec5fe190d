import { deadWebhooks, findDelivery, replayWebhooks } from '../../../store/webhook-deliveries.ts';
import { type Gate, requireKey } from '../authenticate.ts';
import { problemResponses } from '../contracts/problem.ts';
import {
  deadDeliveries,
  deadQuery,
  deliveryStanding,
  endpointParams,
  replayRequest,
  replayResult,
} from '../contracts/webhook-endpoint.ts';
import type { HttpServer } from '../http-server.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';

const tags = ['webhooks'];

/** What could not be delivered to an endpoint, and sending it again. */
export function defineWebhookDeliveries(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'GET',
    url: '/v1/webhooks/deliveries/dead',
    schema: {
      summary: 'List the webhooks that were given up, oldest first',
      tags,
      querystring: deadQuery,
      response: { 200: deadDeliveries, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ query }) => ({
      deliveries: (await deadWebhooks(db, query.limit, query.endpoint_id)).map((one) => ({
        id: one.id,
        endpoint_id: one.endpointId,
        event_id: one.eventId,
        attempts: one.attempts,
        last_status: one.lastStatus,
        last_error: one.lastError,
        created_at: one.createdAt.toISOString(),
      })),
    }),
  });
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

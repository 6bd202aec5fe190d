import { z } from 'zod';

import type { Secret } from '../../../domain/secret.ts';
import { newId } from '../../../domain/id.ts';
import { sealSecret } from '../../../domain/sealed-secret.ts';
import { webhookSecret } from '../../../domain/webhook-signature.ts';
import {
  findWebhookEndpoint,
  insertWebhookEndpoint,
  listWebhookEndpoints,
  removeWebhookEndpoint,
  type WebhookEndpoint,
} from '../../../store/webhook-endpoints.ts';
import { testWebhookEndpoint } from '../../../upkeep/access.ts';
import { type Gate, requireKey } from '../authenticate.ts';
import { problemResponses } from '../contracts/problem.ts';
import {
  createdEndpoint,
  type endpoint,
  endpointList,
  endpointParams,
  newEndpoint,
  testQueued,
} from '../contracts/webhook-endpoint.ts';
import type { HttpServer } from '../http-server.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';

export interface EndpointRoom extends Pick<ApiWorld, 'db' | 'clock' | 'random'> {
  /** WEBHOOK_SEALING_KEY. */
  readonly sealingKey: Secret;
}

const tags = ['webhooks'];
const secretLetters = 52;
const nonceBytes = 12;

/** The endpoints that AMS wants its events at. */
export function defineWebhookEndpoints(server: HttpServer, gate: Gate, room: EndpointRoom): void {
  defineCreate(server, gate, room);
  defineList(server, gate, room);
  defineRemove(server, gate, room);
  defineTest(server, gate, room);
}

function defineCreate(server: HttpServer, gate: Gate, room: EndpointRoom): void {
  server.route({
    method: 'POST',
    url: '/v1/webhooks',
    schema: {
      summary: 'Add an endpoint; the answer shows its signing secret, this once',
      tags,
      body: newEndpoint,
      response: { 201: createdEndpoint, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ body }, reply) => {
      const secret = webhookSecret(room.random.letters(secretLetters));
      const id = await create(room, body, secret);
      const found = await findWebhookEndpoint(room.db, id);
      if (!found) throw new ApiProblem('not-found', 'Somebody else removed it at the same moment');
      return reply.code(201).send({ ...documentOf(found), secret: secret.reveal() });
    },
  });
}

function defineList(server: HttpServer, gate: Gate, { db }: EndpointRoom): void {
  server.route({
    method: 'GET',
    url: '/v1/webhooks',
    schema: { summary: 'List the endpoints', tags, response: { 200: endpointList, ...problemResponses } },
    onRequest: requireKey(gate, 'admin'),
    handler: async () => ({ endpoints: (await listWebhookEndpoints(db)).map(documentOf) }),
  });
}

function defineRemove(server: HttpServer, gate: Gate, { db }: EndpointRoom): void {
  server.route({
    method: 'DELETE',
    url: '/v1/webhooks/:id',
    schema: {
      summary: 'Remove an endpoint with what still waits for it',
      tags,
      params: endpointParams,
      response: { 204: z.undefined(), ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ params }, reply) => {
      if (!(await removeWebhookEndpoint(db, params.id)))
        throw new ApiProblem('not-found', 'There is no such endpoint', { field: 'id' });
      return reply.code(204).send();
    },
  });
}

function defineTest(server: HttpServer, gate: Gate, room: EndpointRoom): void {
  server.route({
    method: 'POST',
    url: '/v1/webhooks/:id/test',
    schema: {
      summary:
        'Send a test (webhook.test) to an endpoint, once; /v1/webhooks/deliveries/ID says how it fared',
      tags,
      params: endpointParams,
      response: { 202: testQueued, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ params: { id } }, reply) => {
      const found = await findWebhookEndpoint(room.db, id);
      if (!found) throw new ApiProblem('not-found', 'There is no such endpoint', { field: 'id' });
      if (found.disabledAt ?? found.pausedAt)
        throw new ApiProblem(
          'endpoint-stopped',
          'Nothing is sent to an endpoint that is paused or disabled',
          {
            field: 'id',
          },
        );
      return reply.code(202).send({ id: await testWebhookEndpoint(room, id) });
    },
  });
}

async function create(
  { db, clock, random, sealingKey }: EndpointRoom,
  { url, events }: z.output<typeof newEndpoint>,
  secret: Secret,
): Promise<string> {
  const id = newId('whe', clock.now(), random.bytes(10));
  const sealedSecret = sealSecret(secret, { key: sealingKey, owner: id }, random.bytes(nonceBytes));
  await insertWebhookEndpoint(db, { id, url, events: [...new Set(events)], sealedSecret });
  return id;
}

function documentOf(one: WebhookEndpoint): z.input<typeof endpoint> {
  return {
    id: one.id,
    url: one.url,
    events: [...one.events],
    created_at: one.createdAt.toISOString(),
    paused_at: one.pausedAt?.toISOString() ?? null,
    disabled_at: one.disabledAt?.toISOString() ?? null,
    disabled_reason: one.disabledReason ?? null,
  };
}

import type { FastifyRequest } from 'fastify';

import type { Gate } from './authenticate.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { type HttpServer, openHttpServer } from './http-server.ts';
import { parseJson } from './json-body.ts';
import type { RateLimiter } from './limiter.ts';
import { defineOpenApi } from './openapi.ts';
import type { PostalIntake } from './postal-intake.ts';
import type { ApiConfig, ApiWorld } from './room.ts';
import type { SenderLooks } from './sender-looks.ts';
import { defineMessages } from './routes/messages.ts';
import { definePostalWebhooks } from './routes/postal-webhooks.ts';
import { defineMessageBatch } from './routes/message-batch.ts';
import { defineMessageCancel } from './routes/message-cancel.ts';
import { defineHealth, defineOwnKey, defineStatistics } from './routes/status.ts';
import { defineSuppressionLists } from './routes/suppression-lists.ts';
import { defineSuppressions } from './routes/suppressions.ts';
import { defineUnsubscribe } from './routes/unsubscribe.ts';
import { defineWebhookDeliveries } from './routes/webhook-deliveries.ts';
import { defineWebhookEndpoints } from './routes/webhook-endpoints.ts';
import { openWebhookLane } from './webhook-lane.ts';

export interface PublicServer {
  readonly config: ApiConfig;
  readonly world: ApiWorld;
  readonly metrics: ApiMetrics;
  readonly gate: Gate;
  readonly intake: PostalIntake;
  readonly webhookFailures: RateLimiter;
  readonly linkFailures: RateLimiter;
  readonly senderLooks: SenderLooks;
}

/** The server behind the proxy: what clients of the api and Postal's webhooks reach. */
export async function openPublicServer(parts: PublicServer): Promise<HttpServer> {
  const { config, world, metrics, intake } = parts;
  const server = openHttpServer(
    {
      listener: 'public',
      maxBodyBytes: config.API_MAX_BODY_BYTES,
      requestTimeoutMs: config.API_REQUEST_TIMEOUT,
      trustedProxies: config.API_TRUSTED_PROXIES,
    },
    { ...world, metrics },
  );
  server.decorateRequest('caller');
  takeJson(server, config.API_MAX_JSON_DEPTH);
  takeOctets(server, ['message/rfc822', 'text/csv']);
  await defineOpenApi(server, parts.gate);
  defineRoutes(server, parts);
  const webhooks = { intake, metrics, maxBytes: config.POSTAL_WEBHOOK_MAX_BYTES };
  await server.register(definePostalWebhooks, {
    ...webhooks,
    left: openWebhookLane(server.server, { ...webhooks, ...world }),
    maxMailBytes: config.INBOUND_MAX_BYTES,
    failures: parts.webhookFailures,
  });
  await server.register(defineUnsubscribe, {
    world,
    keys: () => [config.UNSUBSCRIBE_KEY, config.UNSUBSCRIBE_PREVIOUS_KEY].filter((key) => key !== undefined),
    maxBytes: config.UNSUBSCRIBE_MAX_BYTES,
    failures: parts.linkFailures,
  });
  return server;
}

function defineRoutes(server: HttpServer, parts: PublicServer): void {
  const { config, world, metrics, gate, senderLooks } = parts;
  const messages = { ...world, metrics, limits: config, senderLooks };
  defineMessages(server, gate, messages);
  defineMessageBatch(server, gate, messages);
  defineMessageCancel(server, gate, world);
  defineSuppressions(server, gate, world);
  defineSuppressionLists(server, gate, world);
  defineWebhookEndpoints(server, gate, { ...world, sealingKey: config.WEBHOOK_SEALING_KEY });
  defineWebhookDeliveries(server, gate, world);
  defineOwnKey(server, gate);
  defineStatistics(server, gate, world);
  defineHealth(server, gate, world);
}

function takeJson(server: HttpServer, maxDepth: number): void {
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      request.octets = body;
      return parseJson(body, maxDepth);
    },
  );
}

/** Leaves the body as it came, in `octets`. */
function takeOctets(server: HttpServer, types: string[]): void {
  server.addContentTypeParser(types, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    request.octets = body;
    return undefined;
  });
}

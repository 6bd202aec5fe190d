import type { FastifyRequest } from 'fastify';

import type { Gate } from './authenticate.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { type HttpServer, openHttpServer } from './http-server.ts';
import { parseJson } from './json-body.ts';
import type { RateLimiter } from './limiter.ts';
import { defineOpenApi } from './openapi.ts';
import type { PostalIntake } from './postal-intake.ts';
import type { ApiConfig, ApiWorld } from './room.ts';
import { defineMessages } from './routes/messages.ts';
import { definePostalWebhooks } from './routes/postal-webhooks.ts';
import { defineStatus } from './routes/status.ts';

export interface PublicServer {
  readonly config: ApiConfig;
  readonly world: ApiWorld;
  readonly metrics: ApiMetrics;
  readonly gate: Gate;
  readonly intake: PostalIntake;
  readonly webhookFailures: RateLimiter;
}

/** The server behind the proxy: what clients of the api and Postal's webhooks reach. */
export async function openPublicServer(parts: PublicServer): Promise<HttpServer> {
  const { config, world, metrics, gate, intake } = parts;
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
  takeRawMessages(server);
  await defineOpenApi(server);
  defineMessages(server, gate, { ...world, metrics, limits: config });
  defineStatus(server, world);
  await server.register(definePostalWebhooks, {
    intake,
    metrics,
    maxBytes: config.POSTAL_WEBHOOK_MAX_BYTES,
    failures: parts.webhookFailures,
  });
  return server;
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

function takeRawMessages(server: HttpServer): void {
  server.addContentTypeParser(
    'message/rfc822',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      request.octets = body;
      return undefined;
    },
  );
}

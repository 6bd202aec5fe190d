import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';

import type { Listen } from '../../config/shapes.ts';
import { OperatorError } from '../../domain/failure.ts';
import { newId } from '../../domain/id.ts';
import { listeningAt, type Listening } from '../running.ts';
import { type ApiMetrics, countRequest } from './api-metrics.ts';
import { ApiProblem } from './problem.ts';
import { refuse, refuseUnparsed } from './request-boundary.ts';
import type { ApiWorld } from './room.ts';
import { validated } from './validation.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's octets as they came, for digests and signatures. */
    octets: Uint8Array | undefined;
  }
}

const mostPathPart = 512;

export interface ServerOptions {
  /** Label in metrics and logs. */
  readonly listener: 'public' | 'internal';
  readonly maxBodyBytes: number;
  readonly requestTimeoutMs: number;
  readonly trustedProxies: readonly string[];
}

export type HttpServer = ReturnType<typeof openHttpServer>;

/** A server with our request ids, validation, problem documents, logs and metrics, and no routes yet. */
export function openHttpServer(
  options: ServerOptions,
  {
    clock,
    random,
    log,
    metrics,
  }: Pick<ApiWorld, 'clock' | 'random' | 'log'> & { readonly metrics: ApiMetrics },
) {
  const newRequestId = () => newId('req', clock.now(), random.bytes(10));
  const server = fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes,
    requestTimeout: options.requestTimeoutMs,
    http: timeouts(options),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    genReqId: newRequestId,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: mostPathPart },
    frameworkErrors: (error, request, reply) => void refuse(error, request, reply, log),
    clientErrorHandler: (error, socket) => refuseUnparsed(error, socket, newRequestId()),
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler<z.ZodType>(({ schema }) => (data) => ({ value: validated(schema, data) }));
  server.setSerializerCompiler(serializerCompiler);
  server.decorateRequest('octets');
  server.removeAllContentTypeParsers();
  nameRequests(server);
  endConnectionsWhenClosing(server);
  server.addHook('onResponse', (request, reply, done) => {
    record(options, request, reply, { log, metrics });
    done();
  });
  server.setNotFoundHandler(() => {
    throw new ApiProblem('not-found', 'There is no such path, or it does not know this method');
  });
  server.setErrorHandler((error, request, reply) => refuse(error, request, reply, log));
  return server;
}

/** Listens, and says where. An address that cannot be had is the operator's to change: `variable` names it. */
export async function listen(
  server: HttpServer,
  { host, port }: Listen,
  variable: string,
): Promise<Listening> {
  try {
    await server.listen({ host, port });
  } catch (cause) {
    throw new OperatorError('config-invalid', `the api cannot listen on ${host}:${port}`, {
      hint: `Free the port, or change ${variable}`,
      field: variable,
      cause,
    });
  }
  return listeningAt(server.server.address());
}

/** Node enforces no request timeout that is shorter than its headers timeout, and looks every 30 s only, unless told otherwise. */
function timeouts({ requestTimeoutMs }: ServerOptions) {
  return { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 4) };
}

function nameRequests(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
}

/** A connection whose last answer is given while we stop is not kept open for another request. */
function endConnectionsWhenClosing(server: Pick<FastifyInstance, 'addHook'>): void {
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
  });
  server.addHook('onSend', (_, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

function record(
  { listener }: ServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, metrics }: Pick<ApiWorld, 'log'> & { readonly metrics: ApiMetrics },
): void {
  const route = request.routeOptions.url ?? 'none';
  const { method } = request;
  const answered = { listener, method, route, status: reply.statusCode, ms: reply.elapsedTime };
  countRequest(metrics, answered);
  log.debug('request', () => ({
    request_id: request.id,
    ...answered,
    ms: Math.round(answered.ms),
    client: request.ip,
  }));
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { networkOf } from '../../../domain/network.ts';
import type { Secret } from '../../../domain/secret.ts';
import type { ApiMetrics, WebhookInResult } from '../api-metrics.ts';
import { type RateLimiter, rateHeaders } from '../limiter.ts';
import {
  type ClaimedWebhook,
  type PostalIntake,
  receiveMail,
  receiveWebhook,
  tokenOf,
} from '../postal-intake.ts';
import { ApiProblem } from '../problem.ts';
import { claimOf, type Left, readAgain, webhookRoute } from '../webhook-lane.ts';

interface WebhookRoom {
  readonly intake: PostalIntake;
  readonly metrics: ApiMetrics;
  readonly maxBytes: number;
  /** Of mail from a route, which may hold a whole message in base64. */
  readonly maxMailBytes: number;
  /** Counts only what fails verification, so that a genuine event is never refused. */
  readonly failures: RateLimiter;
  readonly left: Left;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The token of ours that the path has. */
    postalToken: Secret | undefined;
  }
}

/** `POST /webhooks/postal/<token>` for webhooks and `…/inbound` for the mail of routes, as a plugin of its own because it reads any content type as octets. */
export async function definePostalWebhooks(server: FastifyInstance, room: WebhookRoom): Promise<void> {
  server.decorateRequest('postalToken');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: room.maxBytes }, (_, body, done) =>
    done(null, body),
  );
  server.addHook('preParsing', async (request, _, payload) => {
    const left = room.left(request.raw);
    return left ? readAgain(left) : payload;
  });
  defineDoor(server, room, {
    url: webhookRoute,
    bodyLimit: room.maxBytes,
    receive: receiveWebhook,
  });
  defineDoor(server, room, {
    url: `${webhookRoute}/inbound`,
    bodyLimit: room.maxMailBytes,
    receive: receiveMail,
  });
}

interface Door {
  readonly url: string;
  readonly bodyLimit: number;
  readonly receive: (intake: PostalIntake, claimed: ClaimedWebhook) => Promise<WebhookInResult>;
}

function defineDoor(server: FastifyInstance, room: WebhookRoom, { url, bodyLimit, receive }: Door): void {
  server.route<{ Params: { token: string } }>({
    method: 'POST',
    url,
    schema: { hide: true },
    bodyLimit,
    // Without our token the body is not even read.
    onRequest: async (request) => {
      request.postalToken = tokenOf(room.intake, request.params.token);
      if (!request.postalToken) await refuse(room, 'wrong_token', request.ip);
    },
    onError: async (_, __, error) => {
      if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') room.metrics.webhookIn.inc({ result: 'forged' });
    },
    handler: async (request, reply) => {
      const { postalToken: token, body, raw } = request;
      if (!token) return refuse(room, 'wrong_token', request.ip);
      const octets = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
      const result = await (room.left(raw)?.result ?? receive(room.intake, claimOf(raw, token, octets)));
      return answer(room, result, { request, reply });
    },
  });
}

async function answer(
  room: WebhookRoom,
  result: WebhookInResult,
  { request, reply }: { readonly request: Pick<FastifyRequest, 'ip'>; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  if (result === 'expired_key') {
    room.metrics.webhookIn.inc({ result });
    throw new ApiProblem('key-expired', 'The token of this path, or the key that signed it, has ended');
  }
  if (isRefusal(result)) return refuse(room, result, request.ip);
  room.metrics.webhookIn.inc({ result });
  return reply.code(200).send({ result });
}

const refusals = ['forged', 'unknown_key', 'wrong_token', 'unverifiable'] as const;

type Refusal = (typeof refusals)[number];

function isRefusal(result: WebhookInResult): result is Refusal {
  return (refusals as readonly WebhookInResult[]).includes(result);
}

/** Any answer but 2xx makes Postal try again, which is right where only our key is out of date or cannot be had. */
async function refuse({ metrics, failures }: WebhookRoom, result: Refusal, ip: string): Promise<never> {
  metrics.webhookIn.inc({ result });
  const decision = await failures.take(networkOf(ip));
  if (!decision.allowed) {
    metrics.limited.inc({ limit: 'webhooks' });
    throw new ApiProblem('rate-limited', 'Too many requests from your address could not be believed', {
      headers: rateHeaders(failures.policy, decision),
    });
  }
  if (result === 'unverifiable')
    throw new ApiProblem('unavailable', "Postal's public key cannot be had now; send it again later");
  if (result === 'wrong_token') throw new ApiProblem('not-found', 'There is no such path');
  throw new ApiProblem('signature-wrong', 'The signature is not by a key of Postal that we know');
}

import type { FastifyInstance, FastifyReply } from 'fastify';

import { networkOf } from '../../../domain/network.ts';
import type { ApiMetrics } from '../api-metrics.ts';
import { type RateLimiter, rateHeaders } from '../limiter.ts';
import { type IntakeResult, isOurToken, type PostalIntake, receiveWebhook } from '../postal-intake.ts';
import { ApiProblem } from '../problem.ts';

interface WebhookRoom {
  readonly intake: PostalIntake;
  readonly metrics: ApiMetrics;
  readonly maxBytes: number;
  /** Counts only what fails verification, so that a genuine event is never refused. */
  readonly failures: RateLimiter;
}

/** `POST /webhooks/postal/<token>`, as a plugin of its own because it reads any content type as octets. */
export async function definePostalWebhooks(server: FastifyInstance, room: WebhookRoom): Promise<void> {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: room.maxBytes }, (_, body, done) =>
    done(null, body),
  );
  server.route<{ Params: { token: string } }>({
    method: 'POST',
    url: '/webhooks/postal/:token',
    schema: { hide: true },
    bodyLimit: room.maxBytes,
    // Without our token the body is not even read.
    onRequest: async ({ params, ip }) => {
      if (!isOurToken(room.intake, params.token)) await refuse(room, 'wrong_token', ip);
    },
    onError: async (_, __, error) => {
      if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') room.metrics.webhookIn.inc({ result: 'forged' });
    },
    handler: async ({ params, body, headers, ip }, reply) => {
      const result = await receiveWebhook(room.intake, {
        token: params.token,
        kid: single(headers['x-postal-signature-kid']),
        signature: single(headers['x-postal-signature-256']),
        body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
      });
      return answer(room, result, { ip, reply });
    },
  });
}

async function answer(
  room: WebhookRoom,
  result: IntakeResult,
  { ip, reply }: { readonly ip: string; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  if (result === 'unverifiable')
    throw new ApiProblem('unavailable', "Postal's public key cannot be had now; send it again later");
  if (result === 'forged' || result === 'unknown_key' || result === 'wrong_token')
    return refuse(room, result, ip);
  room.metrics.webhookIn.inc({ result });
  return reply.code(200).send({ result });
}

/** Any answer but 2xx makes Postal try again, which is right where only our key is out of date. */
async function refuse(
  { metrics, failures }: WebhookRoom,
  result: 'forged' | 'unknown_key' | 'wrong_token',
  ip: string,
): Promise<never> {
  metrics.webhookIn.inc({ result });
  const decision = await failures.take(networkOf(ip));
  if (!decision.allowed) {
    metrics.limited.inc({ limit: 'webhooks' });
    throw new ApiProblem('rate-limited', 'Too many requests from your address were not genuine', {
      headers: rateHeaders(failures.policy, decision),
    });
  }
  if (result === 'wrong_token') throw new ApiProblem('not-found', 'There is no such path');
  throw new ApiProblem('signature-wrong', 'The signature is not by a key of Postal that we know');
}

function single(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

import type { FastifyInstance, FastifyReply } from 'fastify';

import { newId } from '../../../domain/id.ts';
import { networkOf } from '../../../domain/network.ts';
import type { Secret } from '../../../domain/secret.ts';
import { readUnsubscribeToken, type Unsubscription } from '../../../domain/unsubscribe.ts';
import { recordEvents } from '../../../store/events.ts';
import { suppressFound } from '../../../store/suppressions.ts';
import { lockUnsubscription } from '../../../store/unsubscribe.ts';
import { type RateLimiter, rateHeaders } from '../limiter.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';
import { pageHeaders, unsubscribePages } from '../unsubscribe-pages.ts';

interface UnsubscribeRoom {
  readonly world: Pick<ApiWorld, 'db' | 'clock' | 'random'>;
  /** UNSUBSCRIBE_KEY, and the one before. */
  readonly keys: () => readonly Secret[];
  readonly maxBytes: number;
  /** Counts links that nobody of us made. */
  readonly failures: RateLimiter;
}

/**
 * `/unsubscribe?t=…`: POST ends the mail (RFC 8058 §3.2), GET only asks, because scanners follow every link. A plugin of its own: mail
 * providers post forms in either encoding, and what is in them does not matter.
 */
export async function defineUnsubscribe(server: FastifyInstance, room: UnsubscribeRoom): Promise<void> {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: room.maxBytes }, (_, body, done) =>
    done(null, body),
  );
  server.route<{ Querystring: { t?: unknown } }>({
    method: ['GET', 'POST'],
    url: '/unsubscribe',
    schema: { hide: true },
    bodyLimit: room.maxBytes,
    handler: async ({ query, method, ip }, reply) => {
      const wanted = typeof query.t === 'string' ? readUnsubscribeToken(query.t, room.keys()) : undefined;
      if (!wanted) return unknownLink(room, ip, reply);
      if (method === 'GET') return page(reply, 200, unsubscribePages.ask(wanted));
      await unsubscribe(room.world, wanted);
      return page(reply, 200, unsubscribePages.done(wanted));
    },
  });
}

async function unknownLink(
  { failures }: UnsubscribeRoom,
  ip: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const decision = await failures.take(networkOf(ip));
  if (decision.allowed) return page(reply, 404, unsubscribePages.unknown);
  throw new ApiProblem('rate-limited', 'Too many links from your address were not ours', {
    headers: rateHeaders(failures.policy, decision),
  });
}

/** Doing it again changes nothing. It also holds when the message itself is no longer stored. */
async function unsubscribe(
  { db, clock, random }: UnsubscribeRoom['world'],
  wanted: Unsubscription,
): Promise<void> {
  const at = clock.now();
  const { messageId, address, scope } = wanted;
  await db.transaction(async (within) => {
    const isFirst = await lockUnsubscription(within, wanted);
    const evidence = `one-click link of message ${messageId}`;
    await suppressFound(within, [
      { address: address.toLowerCase(), scope, reason: 'unsubscribe', evidence, expiresAt: undefined },
    ]);
    if (!isFirst) return;
    await recordEvents(
      within,
      [
        {
          id: newId('evt', at, random.bytes(10)),
          messageId,
          recipient: address,
          kind: 'unsubscribed',
          at,
          postalUuid: null,
          detail: { scope },
        },
      ],
      () => newId('whd', at, random.bytes(10)),
    );
  });
}

function page(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).headers(pageHeaders).type('text/html; charset=utf-8').send(html);
}

import { z } from 'zod';

import { reachDatabase } from '../../../store/reachable.ts';
import { countMessages } from '../../../store/statistics.ts';
import { callerOf, type Gate, limitNetwork, requireKey } from '../authenticate.ts';
import { ownKey } from '../contracts/key.ts';
import { problemResponses } from '../contracts/problem.ts';
import { statistics, statisticsQuery } from '../contracts/statistics.ts';
import type { HttpServer } from '../http-server.ts';
import type { ApiWorld } from '../room.ts';

const dayMs = 86_400_000;

/** `/v1/health` for clients, without a key; it fails with 503 while the database is away. */
export function defineHealth(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'GET',
    url: '/v1/health',
    schema: {
      summary: 'Whether the api can serve now',
      tags: ['status'],
      security: [],
      response: { 200: z.object({ status: z.literal('ok') }), ...problemResponses },
    },
    onRequest: limitNetwork(gate),
    handler: async () => {
      await reachDatabase(db);
      return { status: 'ok' as const };
    },
  });
}

/** The key a client uses, with any scope: for its own checks before a key ends. */
export function defineOwnKey(server: HttpServer, gate: Gate): void {
  server.route({
    method: 'GET',
    url: '/v1/keys/self',
    schema: {
      summary: 'Show the key of this request: what it may do and when it ends',
      tags: ['status'],
      response: { 200: ownKey, ...problemResponses },
    },
    onRequest: requireKey(gate, undefined),
    handler: async (request) => {
      const { id, name, scopes, createdAt, expiresAt, lastUsedAt, networks, rate } = callerOf(request);
      return {
        id,
        name,
        scopes: [...scopes],
        created_at: createdAt.toISOString(),
        expires_at: expiresAt?.toISOString() ?? null,
        last_used_at: lastUsedAt?.toISOString() ?? null,
        networks: [...networks],
        rate: rate ? { requests: rate.requests, period_seconds: rate.periodMs / 1000 } : null,
      };
    },
  });
}

/** Counts over a span of time. */
export function defineStatistics(
  server: HttpServer,
  gate: Gate,
  { db, clock }: Pick<ApiWorld, 'db' | 'clock'>,
): void {
  server.route({
    method: 'GET',
    url: '/v1/stats',
    schema: {
      summary: 'Count the messages received in a time, and how their recipients fared',
      tags: ['status'],
      querystring: statisticsQuery,
      response: { 200: statistics, ...problemResponses },
    },
    onRequest: requireKey(gate, 'read'),
    handler: async ({ query }) => {
      const until = query.until === undefined ? clock.now() : new Date(query.until);
      const since = query.since === undefined ? new Date(until.getTime() - dayMs) : new Date(query.since);
      const counted = await countMessages(db, { since, until, tag: query.tag });
      return { since: since.toISOString(), until: until.toISOString(), ...counted };
    },
  });
}

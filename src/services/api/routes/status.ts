import { z } from 'zod';

import { reachDatabase } from '../../../store/reachable.ts';
import { problemResponses } from '../contracts/problem.ts';
import type { HttpServer } from '../http-server.ts';
import type { ApiWorld } from '../room.ts';

/** `/v1/health` for clients, without a key; it fails with 503 while the database is away. */
export function defineStatus(server: HttpServer, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'GET',
    url: '/v1/health',
    schema: {
      summary: 'Whether the api can serve now',
      tags: ['status'],
      security: [],
      response: { 200: z.object({ status: z.literal('ok') }), ...problemResponses },
    },
    handler: async () => {
      await reachDatabase(db);
      return { status: 'ok' as const };
    },
  });
}

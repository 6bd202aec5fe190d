import { z } from 'zod';

import {
  addSuppressions,
  findSuppression,
  listSuppressions,
  removeSuppression,
  type StoredSuppression,
} from '../../../store/suppressions.ts';
import { type Gate, requireKey } from '../authenticate.ts';
import { problemResponses } from '../contracts/problem.ts';
import {
  newSuppression,
  suppression,
  suppressionPage,
  suppressionParams,
  suppressionQuery,
  suppressionScope,
} from '../contracts/suppression.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import type { HttpServer } from '../http-server.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';

const place = z.tuple([z.string(), z.string()]);
const tags = ['suppressions'];

/** The list of addresses that get no mail. */
export function defineSuppressions(server: HttpServer, gate: Gate, room: Pick<ApiWorld, 'db'>): void {
  defineList(server, gate, room);
  defineAdd(server, gate, room);
  defineRemove(server, gate, room);
}

function defineList(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'GET',
    url: '/v1/suppressions',
    schema: {
      summary: 'List the addresses that get no mail',
      tags,
      querystring: suppressionQuery,
      response: { 200: suppressionPage, ...problemResponses },
    },
    onRequest: requireKey(gate, 'read'),
    handler: async ({ query: { address, reason, cursor, limit } }) => {
      const after = cursor === undefined ? undefined : readCursor(place, cursor);
      const found = await listSuppressions(db, {
        address,
        reason,
        after: after && { address: after[0], scope: after[1] },
        limit: limit + 1,
      });
      const page = found.slice(0, limit);
      const last = found.length > page.length ? page.at(-1) : undefined;
      return {
        suppressions: page.map(documentOf),
        next_cursor: last ? writeCursor([last.address, last.scope]) : null,
      };
    },
  });
}

function defineAdd(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'POST',
    url: '/v1/suppressions',
    schema: {
      summary: 'Keep mail from an address; one that is on the list is renewed',
      tags,
      body: newSuppression,
      response: { 201: suppression, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ body: { expires_at: expiresAt, ...rest } }, reply) => {
      await addSuppressions(db, [{ ...rest, expiresAt }]);
      const added = await findSuppression(db, rest);
      if (!added) throw new ApiProblem('not-found', 'Somebody else removed it at the same moment');
      return reply.code(201).send(documentOf(added));
    },
  });
}

function defineRemove(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'DELETE',
    url: '/v1/suppressions/:address',
    schema: {
      summary: 'Let an address get mail again',
      tags,
      params: suppressionParams,
      querystring: suppressionScope,
      response: { 204: z.undefined(), ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ params, query }, reply) => {
      const removed = await removeSuppression(db, params.address, query.scope);
      if (!removed)
        throw new ApiProblem('not-found', 'The address is not on the list in this scope', {
          field: 'address',
        });
      return reply.code(204).send();
    },
  });
}

function documentOf(one: StoredSuppression): z.input<typeof suppression> {
  return {
    address: one.address,
    scope: one.scope,
    reason: one.reason,
    evidence: one.evidence,
    created_at: one.createdAt.toISOString(),
    expires_at: one.expiresAt?.toISOString() ?? null,
  };
}

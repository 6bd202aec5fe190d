import { Readable } from 'node:stream';

import type { FastifyTypeProviderDefault } from 'fastify';
import { z } from 'zod';

import { suppressionListHeader, suppressionRecord } from '../../../domain/suppression-list.ts';
import { addSuppressions, listSuppressions } from '../../../store/suppressions.ts';
import { type Gate, requireKey } from '../authenticate.ts';
import { problemResponses } from '../contracts/problem.ts';
import { importResult } from '../contracts/suppression.ts';
import type { HttpServer } from '../http-server.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';
import { readSuppressions } from '../suppression-csv.ts';

const csv = 'text/csv; charset=utf-8';
const pageSize = 1000;

/** The whole suppression list as text/csv, in and out. */
export function defineSuppressionLists(server: HttpServer, gate: Gate, { db }: Pick<ApiWorld, 'db'>): void {
  server.route({
    method: 'POST',
    url: '/v1/suppressions/import',
    schema: {
      summary: 'Add a list as text/csv: all of it, or nothing where a record is wrong',
      tags: ['suppressions'],
      consumes: ['text/csv'],
      response: { 200: importResult, ...problemResponses },
    },
    onRequest: requireKey(gate, 'admin'),
    handler: async ({ octets = new Uint8Array() }) => {
      const list = readSuppressions(octets);
      if (list.length === 0) throw new ApiProblem('empty-body', 'The list names no address');
      return { read: list.length, added: await addSuppressions(db, list) };
    },
  });
  // A stream is no value that a schema could describe.
  const plain = server.withTypeProvider<FastifyTypeProviderDefault>();
  plain.route({
    method: 'GET',
    url: '/v1/suppressions/export',
    schema: {
      summary: 'Give out the list as text/csv',
      tags: ['suppressions'],
      produces: ['text/csv'],
      response: { 200: z.string(), ...problemResponses },
    },
    onRequest: requireKey(gate, 'read'),
    handler: async (_, reply) => reply.type(csv).send(Readable.from(exported(db))),
  });
}

/** Page by page, so that a list of any length needs little memory. */
async function* exported(db: ApiWorld['db']): AsyncGenerator<string> {
  yield suppressionListHeader;
  let after: { address: string; scope: string } | undefined;
  do {
    const page = await listSuppressions(db, {
      address: undefined,
      reason: undefined,
      after,
      limit: pageSize,
    });
    if (page.length > 0) yield page.map(suppressionRecord).join('');
    after = page.length === pageSize ? page.at(-1) : undefined;
  } while (after);
}

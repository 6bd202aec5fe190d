import { createHash } from 'node:crypto';

import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';

import type { Database } from '../../adapters/postgres.ts';
import { keepAnswer, lookUpRequest, type NamedRequest } from '../../store/idempotency.ts';
import { callerOf } from './authenticate.ts';
import { ApiProblem } from './problem.ts';
import type { ApiWorld } from './room.ts';

/** An answer, and whether it was given before. */
export interface Answered<T> {
  readonly response: T;
  readonly replayed: boolean;
}

export interface Task<T> {
  /** What an answer looks like, also one from the database. */
  readonly schema: z.ZodType<T>;
  /** Does the work in the database it is given, and says what to answer. */
  readonly work: (db: Database) => Promise<T>;
}

interface OnceRoom extends Pick<ApiWorld, 'db' | 'clock'> {
  readonly limits: { readonly IDEMPOTENCY_WINDOW: number };
}

/**
 * Does the work of a request, of a named one once: work and answer are committed together, so that a crash leaves both or neither, and
 * asking again gives the first answer.
 */
export async function answerOnce<T>(
  room: OnceRoom,
  request: NamedRequest | undefined,
  { schema, work }: Task<T>,
): Promise<Answered<T>> {
  if (!request) return { response: await work(room.db), replayed: false };
  const at = room.clock.now();
  const since = new Date(at.getTime() - room.limits.IDEMPOTENCY_WINDOW);
  return room.db.transaction(async (within) => {
    const known = await lookUpRequest(within, request, since);
    if (known.kind === 'answered') return { response: schema.parse(known.response), replayed: true };
    if (known.kind !== 'new') throw conflict(known.kind);
    const response = await work(within);
    await keepAnswer(within, request, { at, status: 202, response });
    return { response, replayed: false };
  });
}

/** The name in the header Idempotency-Key, with a digest of all that the request says; undefined without that header. */
export function namedRequestOf(request: FastifyRequest): NamedRequest | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[!-~]{1,255}$/.test(key)) {
    throw new ApiProblem('invalid-field', 'Idempotency-Key must be 1 to 255 printable characters', {
      field: 'idempotency-key',
    });
  }
  const { 'content-type': type, 'mail-from': mailFrom, 'rcpt-to': rcptTo } = request.headers;
  const digest = createHash('sha256')
    .update(JSON.stringify([request.method, request.routeOptions.url, type, mailFrom, rcptTo]))
    .update(request.octets ?? '')
    .digest();
  return { credentialId: callerOf(request).id, key, digest };
}

function conflict(kind: 'in-flight' | 'other-request'): ApiProblem {
  const field = 'idempotency-key';
  if (kind === 'other-request')
    return new ApiProblem('idempotency-mismatch', 'This Idempotency-Key was used for another request', {
      field,
    });
  return new ApiProblem(
    'idempotency-in-flight',
    'A request with this Idempotency-Key is being answered now',
    {
      field,
      headers: { 'retry-after': '1' },
    },
  );
}

import type { FastifyRequest } from 'fastify';

import type { NewMessage } from '../../../store/messages.ts';
import { answerOnce, namedRequestOf } from '../answer-once.ts';
import { callerOf, type Gate, requireKey } from '../authenticate.ts';
import { batchOf, type BatchResults, batchResults } from '../contracts/batch.ts';
import { newMessage } from '../contracts/message.ts';
import { problemResponses } from '../contracts/problem.ts';
import type { HttpServer } from '../http-server.ts';
import { type MessageRoom, prepareStructured } from '../prepare-message.ts';
import { ApiProblem, problemDocument } from '../problem.ts';
import { senderProblems } from '../sender-problems.ts';
import { storeMessages } from '../store-messages.ts';
import { validated } from '../validation.ts';

interface BatchRoom extends MessageRoom {
  readonly limits: MessageRoom['limits'] & { readonly API_MAX_BATCH: number };
}

type Prepared = { readonly message: NewMessage } | { readonly problem: ApiProblem };

/** Many messages in one request; those that are wrong are refused alone. */
export function defineMessageBatch(server: HttpServer, gate: Gate, room: BatchRoom): void {
  server.route({
    method: 'POST',
    url: '/v1/messages/batch',
    schema: {
      summary: 'Send many messages at once; each is accepted or refused for itself',
      tags: ['messages'],
      body: batchOf(room.limits.API_MAX_BATCH),
      response: { 202: batchResults, ...problemResponses },
    },
    onRequest: requireKey(gate, 'send'),
    handler: async (request, reply) => {
      const prepared = await prepareAll(room, request, request.body.messages);
      const { response, replayed } = await answerOnce(room, namedRequestOf(request), {
        schema: batchResults,
        work: async (db) => {
          const messages = prepared.flatMap((one) => ('message' in one ? [one.message] : []));
          const accepted = await storeMessages(db, messages, room);
          return resultsOf(prepared, accepted, request.id);
        },
      });
      if (replayed) reply.header('idempotency-replayed', 'true');
      else room.metrics.messages.inc({ source: 'http' }, acceptedIn(response));
      return reply.code(202).send(response);
    },
  });
}

async function prepareAll(
  room: BatchRoom,
  request: FastifyRequest,
  items: readonly unknown[],
): Promise<readonly Prepared[]> {
  const sender = { caller: callerOf(request), address: request.ip };
  const prepared: Prepared[] = [];
  for (const item of items) {
    prepared.push(await prepareOne(() => prepareStructured(room, validated(newMessage, item), sender)));
  }
  return withSenderProblems(room, prepared);
}

async function withSenderProblems(
  room: BatchRoom,
  prepared: readonly Prepared[],
): Promise<readonly Prepared[]> {
  const messages = prepared.flatMap((one) => ('message' in one ? [one.message] : []));
  const problems = [...(await senderProblems(room, messages))];
  return prepared.map((one) => {
    const problem = 'message' in one ? problems.shift() : undefined;
    return problem ? { problem } : one;
  });
}

async function prepareOne(prepare: () => Promise<NewMessage>): Promise<Prepared> {
  try {
    return { message: await prepare() };
  } catch (error) {
    if (error instanceof ApiProblem) return { problem: error };
    throw error;
  }
}

function resultsOf(
  prepared: readonly Prepared[],
  accepted: Awaited<ReturnType<typeof storeMessages>>,
  requestId: string,
): BatchResults {
  const left = [...accepted];
  const results = prepared.map((one): BatchResults['results'][number] => {
    if ('problem' in one) return { outcome: 'refused', problem: problemDocument(one.problem, requestId) };
    const message = left.shift();
    if (!message) throw new TypeError('a stored message has no answer');
    return { outcome: 'accepted', message };
  });
  return { results };
}

function acceptedIn({ results }: BatchResults): number {
  return results.filter(({ outcome }) => outcome === 'accepted').length;
}

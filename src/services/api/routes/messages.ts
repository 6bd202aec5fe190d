import type { FastifyRequest } from 'fastify';

import { findMessage, listEvents, listMessages } from '../../../store/message-views.ts';
import { type MessageRoom, prepareRaw, prepareStructured } from '../prepare-message.ts';
import { answerOnce, namedRequestOf } from '../answer-once.ts';
import { callerOf, type Gate, requireKey } from '../authenticate.ts';
import {
  acceptedMessage,
  messagePage,
  messageParams,
  messageQuery,
  messageWithEvents,
  newMessage,
} from '../contracts/message.ts';
import { problemResponses } from '../contracts/problem.ts';
import type { HttpServer } from '../http-server.ts';
import { messageDocument, timelineDocument } from '../message-documents.ts';
import { ApiProblem } from '../problem.ts';
import { senderProblems } from '../sender-problems.ts';
import { storeMessages } from '../store-messages.ts';
import { validated } from '../validation.ts';

/** Sending, and looking at what was sent. */
export function defineMessages(server: HttpServer, gate: Gate, room: MessageRoom): void {
  defineSending(server, gate, room);
  defineList(server, gate, room);
  defineTimeline(server, gate, room);
}

function defineSending(server: HttpServer, gate: Gate, room: MessageRoom): void {
  server.route({
    method: 'POST',
    url: '/v1/messages',
    schema: {
      summary: 'Send a message',
      description:
        'JSON fields, or a whole message as message/rfc822 with its envelope in Mail-From and Rcpt-To. 202 means it is stored and will go out.',
      tags: ['messages'],
      response: { 202: acceptedMessage, ...problemResponses },
    },
    onRequest: requireKey(gate, 'send'),
    handler: async (request, reply) => {
      const message = await prepare(room, request);
      const [problem] = await senderProblems(room, [message]);
      const { response, replayed } = await answerOnce(room, namedRequestOf(request), {
        schema: acceptedMessage,
        work: async (db) => {
          if (problem) throw problem;
          return acceptedMessage.parse((await storeMessages(db, [message], room))[0]);
        },
      });
      if (replayed) reply.header('idempotency-replayed', 'true');
      else room.metrics.messages.inc({ source: 'http' });
      return reply.code(202).header('location', `/v1/messages/${response.id}`).send(response);
    },
  });
}

function defineList(server: HttpServer, gate: Gate, { db }: MessageRoom): void {
  server.route({
    method: 'GET',
    url: '/v1/messages',
    schema: {
      summary: 'List messages, newest first',
      tags: ['messages'],
      querystring: messageQuery,
      response: { 200: messagePage, ...problemResponses },
    },
    onRequest: requireKey(gate, 'read'),
    handler: async ({ query }) => {
      const filter = {
        state: query.state,
        recipient: query.recipient,
        tag: query.tag,
        headerMessageId: query.message_id,
        since: query.since === undefined ? undefined : new Date(query.since),
        until: query.until === undefined ? undefined : new Date(query.until),
      };
      const found = await listMessages(db, filter, { before: query.cursor, limit: query.limit + 1 });
      const page = found.slice(0, query.limit);
      const last = found.length > page.length ? page.at(-1) : undefined;
      return { messages: page.map(messageDocument), next_cursor: last?.id ?? null };
    },
  });
}

function defineTimeline(server: HttpServer, gate: Gate, { db }: MessageRoom): void {
  server.route({
    method: 'GET',
    url: '/v1/messages/:id',
    schema: {
      summary: 'Show a message, its recipients and what happened to it',
      tags: ['messages'],
      params: messageParams,
      response: { 200: messageWithEvents, ...problemResponses },
    },
    onRequest: requireKey(gate, 'read'),
    handler: async ({ params }) => {
      const view = await findMessage(db, params.id);
      if (!view) throw new ApiProblem('not-found', 'There is no such message', { field: 'id' });
      return timelineDocument(view, await listEvents(db, view.id));
    },
  });
}

function prepare(room: MessageRoom, request: FastifyRequest) {
  const sender = { caller: callerOf(request), address: request.ip };
  if (!isRaw(request)) return prepareStructured(room, validated(newMessage, request.body), sender);
  const octets = request.octets ?? new Uint8Array();
  if (octets.length === 0) throw new ApiProblem('empty-body', 'The request needs a message as its body');
  const { 'mail-from': mailFrom, 'rcpt-to': rcptTo } = request.headers;
  return prepareRaw(room, { octets, mailFrom: single(mailFrom), rcptTo: joined(rcptTo) }, sender);
}

function isRaw(request: FastifyRequest): boolean {
  return (request.headers['content-type'] ?? '').toLowerCase().startsWith('message/rfc822');
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function joined(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

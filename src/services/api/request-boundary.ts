import type { Socket } from 'node:net';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Log } from '../../adapters/log.ts';
import { ApiProblem, problemDocument, problemOf, problems } from './problem.ts';

/** The request boundary: whatever was thrown becomes a problem document, and our bugs a line in the log. */
export function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const known = problemOf(error);
  const problem = known ?? new ApiProblem('internal', 'Something failed on our side; nothing is promised');
  const where = { request_id: request.id, route: request.routeOptions.url ?? 'none', code: problem.code };
  if (!known) log.error('a request failed', { ...where, error });
  else if (problems[problem.code].status >= 500) log.warn('a request cannot be served', { ...where, error });
  else log.info('a request was refused', { ...where, why: problem.message });
  return reply
    .code(problems[problem.code].status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer((document: unknown) => JSON.stringify(document))
    .send(problemDocument(problem, request.id));
}

/** What Node's parser could not read has no request and no reply: the answer is written by hand, and the connection ends. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = unparsed(error.code);
  const { status, title } = problems[problem.code];
  const body = JSON.stringify(problemDocument(problem, requestId));
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nX-Request-Id: ${requestId}`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

function unparsed(code: string | undefined): ApiProblem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiProblem('request-timeout', 'The request did not arrive within API_REQUEST_TIMEOUT');
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ApiProblem('headers-too-large', 'The header fields are larger than this server reads');
  return new ApiProblem('bad-request', 'This is no HTTP request');
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { answerApi } from './api.ts';
import { type Control, answerControl } from './control.ts';
import type { Office } from './office.ts';
import { type Answer, emptyReply, htmlReply, jsonReply, pageReply, type Reply, textReply } from './reply.ts';
import { answerTracking, isTracked } from './tracking-site.ts';
import { randomUuid } from './tokens.ts';

/** Postal's web server, not yet listening. */
export function createWebServer(office: Office, control: Control): Server {
  return createServer({ keepAliveTimeout: 20_000 }, (request, response) => {
    void serveRequest(office, control, { request, response });
  });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function serveRequest(
  office: Office,
  control: Control,
  { request, response }: Exchange,
): Promise<void> {
  const startMs = office.world.clock.monotonicMs();
  const answer = await answerSafely(office, control, request);
  if (answer === 'dropped') {
    request.socket.destroy();
    return;
  }
  response.sendDate = false;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.traced ? traceOf(office, startMs) : {}),
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function traceOf({ world }: Office, startMs: number) {
  const seconds = (world.clock.monotonicMs() - startMs) / 1000;
  return { 'x-request-id': randomUuid(world.random), 'x-runtime': seconds.toFixed(6) };
}

/** The boundary: whatever goes wrong inside is a 500, as with Postal. */
async function answerSafely(office: Office, control: Control, request: IncomingMessage): Promise<Answer> {
  try {
    const body = await readBody(request, office.settings.maxBodyBytes);
    return body ? await route(office, control, { request, body }) : pageReply(413);
  } catch (error) {
    if (!request.socket.destroyed) office.world.log.error('the stand-in failed to answer', { error });
    return pageReply(500);
  }
}

/** A body that is too long is read to its end, but not kept. */
async function readBody(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of request) {
    octets += chunk.length;
    if (octets <= most) chunks.push(chunk);
  }
  return octets <= most ? Buffer.concat(chunks) : undefined;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

async function route(office: Office, control: Control, { request, body }: Asked): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://stand-in');
  const { headers } = request;
  const visit = { path: url.pathname, headers, remoteAddress: request.socket.remoteAddress ?? '' };
  if (isTracked(office, visit)) return answerTracking(office, visit);
  const asked = {
    path: url.pathname,
    query: url.searchParams,
    headers,
    body,
    method: request.method ?? 'GET',
  };
  if (url.pathname.startsWith('/_stand-in/')) return answerControl(control, asked);
  if (!isOurHost(office, headers.host)) return emptyReply(403);
  return (await answerApi(office, asked)) ?? answerPage(office, url.pathname);
}

function isOurHost(office: Office, host = ''): boolean {
  return host.replace(/:\d+$/, '').toLowerCase() === office.settings.webHostname;
}

function answerPage(office: Office, path: string): Reply {
  if (path === '/.well-known/jwks.json') return jsonReply(office.signer.jwks);
  if (path === '/login')
    return htmlReply(200, '<!DOCTYPE html>\n<title>Login</title>\n<p>This is a stand-in for Postal.</p>\n');
  if (path === '/') return textReply(302, '', { location: '/login' });
  return pageReply(404);
}

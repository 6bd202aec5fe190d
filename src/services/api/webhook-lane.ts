import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

import type { Secret } from '../../domain/secret.ts';
import { type ApiMetrics, countRequest, type WebhookInResult } from './api-metrics.ts';
import { type ClaimedWebhook, type PostalIntake, receiveWebhook, tokenOf } from './postal-intake.ts';
import type { ApiWorld } from './room.ts';

const webhookPath = '/webhooks/postal/';

/** Where Postal's webhooks come in. */
export const webhookRoute = `${webhookPath}:token`;

interface LeftRequest {
  readonly body: Buffer;
  readonly result: Promise<WebhookInResult>;
}

interface Lane extends Pick<ApiWorld, 'clock' | 'log'> {
  readonly intake: PostalIntake;
  readonly metrics: ApiMetrics;
  readonly maxBytes: number;
}

/** What was read of a request, and found out, before it was left to the framework; undefined for one that it saw first. */
export type Left = (request: IncomingMessage) => LeftRequest | undefined;

/**
 * Takes Postal's webhooks, of which there are several for each message, before the framework sees them: that costs a tenth less, and while
 * many come at once they wait half as long. Only what is ordinary is answered here, with 200; the rest is the framework's to refuse.
 */
export function openWebhookLane(server: Server, lane: Lane): Left {
  const left = new WeakMap<IncomingMessage, LeftRequest>();
  const framework = server.listeners('request') as ((...exchange: Exchange) => void)[];
  const leave = (...exchange: Exchange): void => framework.forEach((listener) => listener(...exchange));
  server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
    const token = tokenOfOrdinary(request, lane);
    if (!token) return leave(request, response);
    const startedMs = lane.clock.monotonicMs();
    return readBody(request, (body) => {
      const result = receiveWebhook(lane.intake, claimOf(request, token, body));
      const goOn = (): void => {
        left.set(request, { body, result });
        leave(request, response);
      };
      const end = (found: WebhookInResult): void => {
        if (isTaken(found)) answer(server, lane, { response, found, startedMs });
        else goOn();
      };
      result.then(end, goOn);
    });
  });
  return (request) => left.get(request);
}

type Exchange = [request: IncomingMessage, response: ServerResponse];

/** Never calls `done` for a request that is cut off: Node ends its connection. */
function readBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => done(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)));
}

/** The body of a request that was read, to be read again. */
export function readAgain({ body }: Pick<LeftRequest, 'body'>): Readable {
  return Readable.from([body], { objectMode: false });
}

/** The token of ours that the path of a webhook has, if it says how long its body is and that is not too long. */
function tokenOfOrdinary(
  { method, url = '', headers }: IncomingMessage,
  { intake, maxBytes }: Lane,
): Secret | undefined {
  if (method !== 'POST' || !url.startsWith(webhookPath)) return undefined;
  if (headers['transfer-encoding'] !== undefined || !(Number(headers['content-length']) <= maxBytes))
    return undefined;
  return tokenOf(intake, url.slice(webhookPath.length));
}

/** What a request with this token and body claims to be. */
export function claimOf({ headers }: IncomingMessage, token: Secret, body: Uint8Array): ClaimedWebhook {
  return {
    token,
    kid: textOf(headers['x-postal-signature-kid']),
    signature: textOf(headers['x-postal-signature-256']),
    body,
  };
}

function textOf(field: string | string[] | undefined): string {
  return typeof field === 'string' ? field : '';
}

const taken = { accepted: true, replayed: true, quarantined: true } as const;

function isTaken(result: WebhookInResult): result is keyof typeof taken {
  return result in taken;
}

interface Answer {
  readonly response: ServerResponse;
  readonly found: keyof typeof taken;
  readonly startedMs: number;
}

function answer(server: Server, { clock, metrics, log }: Lane, { response, found, startedMs }: Answer): void {
  const body = JSON.stringify({ result: found });
  metrics.webhookIn.inc({ result: found });
  response
    .writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': body.length,
      ...(!server.listening && { connection: 'close' }),
    })
    .end(body);
  const request = {
    listener: 'public',
    route: webhookRoute,
    method: 'POST',
    status: 200,
    ms: clock.monotonicMs() - startedMs,
  };
  countRequest(metrics, request);
  log.debug('request', () => ({ ...request, ms: Math.round(request.ms) }));
}

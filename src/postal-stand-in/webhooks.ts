import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

import type { MessageRow } from './messages.ts';
import { note, type Office, type WebhookEvent } from './office.ts';
import { float, rubyJson } from './ruby-json.ts';
import { openSigner } from './signing.ts';
import { randomUuid } from './tokens.ts';

/** A webhook on its way: the same octets and signatures on every attempt. */
export interface WebhookRequest {
  readonly uuid: string;
  readonly event: string;
  readonly url: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly row: WebhookEvent['row'];
  attempts: number;
}

/** One attempt, as Postal's history of webhook requests shows it. */
export interface WebhookAttempt {
  readonly uuid: string;
  readonly event: string;
  readonly attempt: number;
  /** HTTP status; -1 timeout, -2 no connection, as Postal stores them. */
  readonly status_code: number;
  readonly will_retry: boolean;
  readonly timestamp: number;
}

/** Milliseconds after the first to the fifth failure; after the sixth the event is dropped. */
const webhookRetriesMs = [2, 3, 6, 10, 15].map((minutes) => minutes * 60_000);

/** Writes the envelope and signs it; undefined when a fault keeps the event back. */
export function writeWebhook(office: Office, url: string, event: WebhookEvent): WebhookRequest | undefined {
  const occasion = { event: event.event, ...(event.row ? { rcptTo: [event.row.rcptTo] } : {}) };
  if (office.faults.take('webhook-withheld', occasion)) return undefined;
  const uuid = randomUuid(office.world.random);
  const envelope = { event: event.event, timestamp: float(office.stamp()), payload: event.payload, uuid };
  const body = Buffer.from(rubyJson(envelope));
  const signer = office.faults.take('webhook-foreign-key', occasion) ? foreignSigner() : office.signer;
  return { uuid, event: event.event, url, body, headers: signer.headers(body), row: event.row, attempts: 0 };
}

/** The request with which a route brings incoming mail (recorded in `inbound/raw`); its base64 has line ends, as Ruby writes it. */
export function writeInbound(office: Office, url: string, mail: MessageRow): WebhookRequest {
  const message = mail.raw.toString('base64').replaceAll(/.{1,60}/g, '$&\n');
  const { id, rcptTo, mailFrom, raw } = mail;
  const payload = { id, rcpt_to: rcptTo, mail_from: mailFrom, message, base64: true, size: raw.length };
  const body = Buffer.from(rubyJson(payload));
  const headers = office.signer.headers(body);
  return {
    uuid: randomUuid(office.world.random),
    event: 'InboundMail',
    url,
    body,
    headers,
    row: mail,
    attempts: 0,
  };
}

interface Sender {
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
  retry(request: WebhookRequest, afterMs: number): void;
  remember(attempt: WebhookAttempt): void;
}

/** Makes one attempt, and asks for the next when it was not answered 2xx within the time. */
export async function sendWebhook(office: Office, request: WebhookRequest, sender: Sender): Promise<void> {
  const code = await post(request, sender);
  if (sender.stop.aborted) return;
  request.attempts += 1;
  const isSent = code >= 200 && code < 300;
  const afterMs = isSent ? undefined : webhookRetriesMs[request.attempts - 1];
  sender.remember({
    uuid: request.uuid,
    event: request.event,
    attempt: request.attempts,
    status_code: code,
    will_retry: afterMs !== undefined,
    timestamp: office.stamp(),
  });
  if (request.row) note(office, request.row, 'Webhook', `${request.event}: ${wordsFor(code, afterMs)}`);
  if (afterMs !== undefined) sender.retry(request, afterMs / office.settings.speed);
}

function wordsFor(code: number, afterMs: number | undefined): string {
  const answer = { [-1]: 'no answer in time', [-2]: 'no connection' }[code] ?? `answered ${code}`;
  if (code >= 200 && code < 300) return answer;
  return afterMs === undefined ? `${answer}, dropped` : `${answer}, will be tried again`;
}

/** Status of the answer, which is read to its end; redirects are not followed. */
function post({ url, body, headers }: WebhookRequest, { timeoutMs, stop }: Sender): Promise<number> {
  const send = url.startsWith('https:') ? tlsRequest : plainRequest;
  const timeout = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    const outgoing = send(url, {
      method: 'POST',
      agent: false,
      signal: AbortSignal.any([timeout, stop]),
      headers: {
        'Accept-Encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
        Accept: '*/*',
        'User-Agent': 'Postal/3.3.6',
        'Content-Type': 'application/json',
        ...headers,
        Connection: 'close',
        Host: new URL(url).host,
        'Content-Length': body.length,
      },
    });
    outgoing.on('response', (response) => {
      response.on('error', () => resolve(timeout.aborted ? -1 : -2));
      response.on('end', () => resolve(response.statusCode ?? -2));
      response.resume();
    });
    outgoing.on('error', () => resolve(timeout.aborted ? -1 : -2));
    outgoing.end(body);
  });
}

function foreignSigner() {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return openSigner(createPrivateKey(privateKey));
}

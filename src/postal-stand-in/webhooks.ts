import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

import type { MessageRow } from './messages.ts';
import { note, type Office, type WebhookEvent } from './office.ts';
import { float, rubyJson } from './ruby-json.ts';
import { openSigner } from './signing.ts';
import { randomUuid } from './tokens.ts';
import type { WebhookAttempt, WebhookRequest } from './webhook-request.ts';

/** Milliseconds after the first to the fifth failure; after the sixth the event is dropped. */
const webhookRetriesMs = [2, 3, 6, 10, 15].map((minutes) => minutes * 60_000);

/** Writes the envelope and signs it; undefined when a fault keeps the event back. */
export function writeWebhook(office: Office, url: string, event: WebhookEvent): WebhookRequest | undefined {
  const occasion = { event: event.event, ...(event.row ? { rcptTo: [event.row.rcptTo] } : {}) };
  if (office.faults.take('webhook-withheld', occasion)) return undefined;
  const uuid = randomUuid(office.world.random);
  const createdAt = office.stamp();
  const { payload, row } = event;
  const envelope = { event: event.event, timestamp: float(createdAt), payload, uuid };
  const body = Buffer.from(rubyJson(envelope));
  const signer = office.faults.take('webhook-foreign-key', occasion) ? foreignSigner() : office.signer;
  const headers = signer.headers(body);
  return { uuid, event: event.event, url, body, headers, payload, createdAt, row, attempts: 0 };
}

/** The request with which a route brings incoming mail (recorded in `inbound/raw`); its base64 has line ends, as Ruby writes it. */
export function writeInbound(office: Office, url: string, mail: MessageRow): WebhookRequest {
  const message = mail.raw.toString('base64').replaceAll(/.{1,60}/g, '$&\n');
  const { id, rcptTo, mailFrom, raw } = mail;
  const payload = { id, rcpt_to: rcptTo, mail_from: mailFrom, message, base64: true, size: raw.length };
  const body = Buffer.from(rubyJson(payload));
  const headers = office.signer.headers(body);
  const uuid = randomUuid(office.world.random);
  const createdAt = office.stamp();
  return { uuid, event: 'InboundMail', url, body, headers, payload, createdAt, row: mail, attempts: 0 };
}

interface Sender {
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
  retry(request: WebhookRequest, afterMs: number): void;
  remember(request: WebhookRequest, attempt: WebhookAttempt): Promise<void>;
}

/** Makes one attempt, and asks for the next when it was not answered 2xx within the time. */
export async function sendWebhook(office: Office, request: WebhookRequest, sender: Sender): Promise<void> {
  const code = await post(request, sender);
  if (sender.stop.aborted) return;
  request.attempts += 1;
  const isSent = code >= 200 && code < 300;
  const afterMs = isSent ? undefined : webhookRetriesMs[request.attempts - 1];
  await sender.remember(request, {
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

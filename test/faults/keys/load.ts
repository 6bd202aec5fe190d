import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { systemClock } from '../../../src/adapters/clock.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { isSignedFor } from '../../../src/adapters/standard-webhooks.ts';
import type { Secret } from '../../../src/domain/secret.ts';
import { dial, type SmtpClient } from '../../services/relay/smtp-client.ts';

/** What AMS shows and checks; a person changes each of them in AMS during the overlap. */
export interface Access {
  key: Secret;
  password: Secret;
  webhook: Secret;
}

/** AMS: it sends at a constant rate over both doors, and takes webhooks that its secret has signed. */
export interface Ams extends AsyncDisposable {
  readonly hook: string;
  /** Recipients of messages that were taken: each has one of its own. */
  readonly taken: Set<string>;
  /** What was answered otherwise than it should be, at either door or by us to a webhook. */
  readonly refused: string[];
  /** `webhook-id`s of the deliveries that AMS heard of, by recipient. */
  readonly delivered: Map<string, Set<string>>;
  /** Sends until the signal. */
  send(access: Access, doors: Doors, stop: AbortSignal): Promise<void>;
}

export interface Doors {
  readonly smtp: number;
  readonly http: number;
}

const smtpLanes = 3;
const httpLanes = 2;
const paceMs = 60;
/** On a busy machine an answer may take long; slowness is not what is counted. */
const patienceMs = 60_000;
const messagesASession = 8;

/** Opens AMS's endpoint. It sends no faster than it hears of deliveries: at most `mostUntold` messages are without one. */
export async function openAms(mostUntold = Infinity): Promise<Ams> {
  const ams: Pick<Ams, 'taken' | 'refused' | 'delivered'> = {
    taken: new Set(),
    refused: [],
    delivered: new Map(),
  };
  let access: Access | undefined;
  const host = `${systemRandom.letters(8)}.test`;
  const server = createServer(async (request, response) => {
    const status = takeWebhook(ams, access, await readWebhook(request));
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...ams,
    hook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    send: async (now, doors, stop) => {
      access = now;
      const paced = async (): Promise<void> => {
        do await systemClock.sleep(paceMs);
        while (!stop.aborted && ams.taken.size - ams.delivered.size >= mostUntold);
      };
      const scene = { ams, host, access: now, doors, stop, paced };
      const lanes = [
        ...Array.from({ length: smtpLanes }, (_, lane) => sendOverSmtp(scene, lane)),
        ...Array.from({ length: httpLanes }, (_, lane) => sendOverHttp(scene, lane)),
      ];
      await Promise.all(lanes);
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Lane {
  readonly ams: Pick<Ams, 'taken' | 'refused'>;
  /** Domain of the recipients, so that no other load has the same. */
  readonly host: string;
  readonly access: Access;
  readonly doors: Doors;
  readonly stop: AbortSignal;
  /** Resolves when the next message is to be sent. */
  paced(): Promise<void>;
}

async function sendOverHttp({ ams, host, access, doors, stop, paced }: Lane, lane: number): Promise<void> {
  for (let number = 0; !stop.aborted; number += 1) {
    const to = `http-${lane}-${number}@${host}`;
    const answer = await fetch(`http://127.0.0.1:${doors.http}/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${access.key.reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from: 'ams@example.com', to, subject: 'Hello', text: 'Hello' }),
    }).catch((error: unknown) => ({ status: 0, text: async () => String(error) }));
    if (answer.status === 202) ams.taken.add(to);
    else ams.refused.push(`HTTP ${answer.status} ${await answer.text()}`);
    await paced();
  }
}

async function sendOverSmtp(scene: Lane, lane: number): Promise<void> {
  for (let session = 0; !scene.stop.aborted; session += 1) {
    const client = await dial({ host: '127.0.0.1', port: scene.doors.smtp }, 'plain', patienceMs);
    await runSession(scene, client, `smtp-${lane}-${session}`).catch((error: unknown) =>
      scene.ams.refused.push(`SMTP ${error instanceof Error ? error.message : String(error)}`),
    );
    client.socket.destroy();
    await scene.paced();
  }
}

async function runSession(
  { ams, host, access, stop, paced }: Lane,
  client: SmtpClient,
  name: string,
): Promise<void> {
  const must = (reply: string, code: string) => {
    if (!reply.startsWith(code)) throw new Error(reply.trim());
  };
  must(await client.reply(), '220');
  must(await client.ask('EHLO ams.example.com'), '250');
  const plain = Buffer.from(`\0ams\0${access.password.reveal()}`).toString('base64');
  must(await client.ask(`AUTH PLAIN ${plain}`), '235');
  for (let number = 0; number < messagesASession && !stop.aborted; number += 1) {
    const to = `${name}-${number}@${host}`;
    must(await client.ask('MAIL FROM:<ams@example.com>'), '250');
    must(await client.ask(`RCPT TO:<${to}>`), '250');
    must(await client.ask('DATA'), '354');
    const octets = `From: ams@example.com\r\nTo: ${to}\r\nMessage-ID: <${to}>\r\nSubject: Hello\r\n\r\nHello\r\n.`;
    must(await client.ask(octets), '250');
    ams.taken.add(to);
    await paced();
  }
  must(await client.ask('QUIT'), '221');
}

interface Webhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Status of the answer: what its secret has not signed, AMS refuses. */
function takeWebhook(
  { refused, delivered }: Pick<Ams, 'refused' | 'delivered'>,
  access: Access | undefined,
  webhook: Webhook,
): number {
  if (!access || !isSignedFor(access.webhook, webhook)) {
    refused.push(`webhook ${webhook.headers['webhook-id']} is not signed with the secret that AMS has`);
    return 401;
  }
  const { type, data } = JSON.parse(webhook.body) as { type: string; data: { recipient: string } };
  if (type !== 'message.delivered') return 200;
  const ids = delivered.get(data.recipient) ?? new Set();
  delivered.set(data.recipient, ids.add(webhook.headers['webhook-id'] ?? ''));
  return 200;
}

async function readWebhook(request: IncomingMessage): Promise<Webhook> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
  return { headers: Object.fromEntries(headers), body: Buffer.concat(parts).toString('utf8') };
}

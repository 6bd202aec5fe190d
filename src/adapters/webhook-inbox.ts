import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook as it came, before anything was believed of it. */
export interface ReceivedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An endpoint such as AMS has: it takes every POST with 200 and remembers the latest. */
export interface WebhookInbox extends AsyncDisposable {
  readonly port: number;
  received(): readonly ReceivedWebhook[];
}

export interface InboxOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Webhooks that are remembered. */
  readonly keep: number;
}

const mostBodyBytes = 1024 * 1024;

/** Opens an endpoint. A GET shows what it remembers as JSON. */
export async function openWebhookInbox({ listen, keep }: InboxOptions): Promise<WebhookInbox> {
  const webhooks: ReceivedWebhook[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(webhooks));
      return;
    }
    const body = await readBody(request);
    if (body === undefined) {
      response.writeHead(413).end();
      return;
    }
    webhooks.push({ headers: flatHeaders(request), body });
    webhooks.splice(0, webhooks.length - keep);
    response.writeHead(200).end();
  };
  // A sender that leaves in the middle of its body is owed no answer.
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received: () => webhooks,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(Buffer.from(part as Uint8Array));
    bytes += parts.at(-1)?.length ?? 0;
    if (bytes > mostBodyBytes) return undefined;
  }
  return Buffer.concat(parts).toString('utf8');
}

function flatHeaders(request: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
}

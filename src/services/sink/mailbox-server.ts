import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import type { Listen } from '../../config/shapes.ts';
import { listeningAt, type Running } from '../running.ts';
import type { SinkEntry, SinkMailbox } from './mailbox.ts';

export interface MailboxOptions {
  readonly listen: Listen;
  readonly mailbox: SinkMailbox;
  /** The TXT records that publish DKIM keys. */
  readonly keys: () => Promise<readonly { readonly name: string; readonly value: string }[]>;
}

/** Shows what was taken: a page, `/mailbox.json`, `/mailbox/ID.eml`, `/dkim.json`; DELETE of `/mailbox.json` empties it. */
export async function startMailbox(options: MailboxOptions): Promise<Running> {
  const server = createServer((request, response) => {
    void answer(options, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  return {
    addresses: { mailbox: listeningAt(server.address()) },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  options: MailboxOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sink.invalid');
  if (request.method === 'DELETE' && url.pathname === '/mailbox.json') {
    options.mailbox.empty();
    response.writeHead(204).end();
    return;
  }
  const shown = request.method === 'GET' ? await show(options, url) : undefined;
  if (shown) send(response, shown);
  else response.writeHead(request.method === 'GET' ? 404 : 405).end();
}

interface Shown {
  readonly type: string;
  readonly body: string | Buffer;
}

async function show(
  { mailbox, keys }: MailboxOptions,
  { pathname, searchParams }: URL,
): Promise<Shown | undefined> {
  if (pathname === '/') return { type: 'text/html; charset=utf-8', body: page(mailbox.list(searchParams)) };
  if (pathname === '/mailbox.json') return json({ messages: mailbox.list(searchParams) });
  if (pathname === '/dkim.json') return json({ records: await keys() });
  const [, id] = /^\/mailbox\/(\d+)\.eml$/.exec(pathname) ?? [];
  const raw = mailbox.raw(Number(id));
  return raw && { type: 'message/rfc822', body: raw };
}

function json(value: unknown): Shown {
  return { type: 'application/json', body: JSON.stringify(value) };
}

function send(response: ServerResponse, { type, body }: Shown): void {
  response.writeHead(200, {
    'content-type': type,
    'content-security-policy': "default-src 'none'",
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function page(entries: readonly SinkEntry[]): string {
  const rows = entries.map(({ id, delivered_at, to, from, subject }) => {
    const cells = [delivered_at, to, from ?? '', subject ?? ''].map((text) => `<td>${escaped(text)}</td>`);
    return `<tr>${cells.join('')}<td><a href="/mailbox/${id}.eml">message</a></td></tr>`;
  });
  const head = '<tr><th>Time</th><th>To</th><th>From</th><th>Subject</th><th></th></tr>';
  return `<!doctype html><title>Sink</title><h1>${entries.length} messages that went nowhere</h1><table>${head}${rows.join('')}</table>`;
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (sign) => names[sign] ?? sign);
}

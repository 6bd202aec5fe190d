import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

import { eventOrder, faultOrder, paceChange } from './control-input.ts';
import { dkimRecord } from './dkim.ts';
import { faultKinds } from './faults.ts';
import { mailboxEntry, mailboxList, messageRows } from './mailbox-json.ts';
import { mailboxPages } from './mailbox-pages.ts';
import type { Office } from './office.ts';
import { writeRaisedEvent } from './raised-events.ts';
import { type Reply, textReply } from './reply.ts';
import type { WebhookAttempt } from './webhook-request.ts';

/** What is steered and looked at from outside, under a path real Postal does not have. */
export interface Control {
  readonly office: Office;
  reset(): void;
  webhookHistory(): readonly WebhookAttempt[];
  /** What `rails runner -` prints for mailctl's provisioning script. */
  runScript(script: string): Promise<string>;
}

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Route = (control: Control, request: ControlRequest, id: number) => Reply | Promise<Reply>;

const routes: Readonly<Record<string, Route>> = {
  'GET faults': ({ office }) => json({ kinds: faultKinds, ordered: office.faults.list() }),
  'POST faults': ({ office }, { body }) =>
    take(faultOrder, body, (order) => {
      office.faults.order(order);
      return { ordered: office.faults.list() };
    }),
  'DELETE faults': ({ office }) => {
    office.faults.reset();
    return json({ ordered: [] });
  },
  'POST reset': (control) => {
    control.reset();
    return json({ reset: true });
  },
  'GET pace': ({ office }) => json(office.pacer.current()),
  'POST pace': ({ office }, { body }) =>
    take(paceChange, body, (change) => {
      office.pacer.change(change);
      return office.pacer.current();
    }),
  'POST events': ({ office }, { body }) =>
    take(eventOrder, body, async ({ event }) => {
      await office.raise(writeRaisedEvent(office, event));
      return { raised: event };
    }),
  'POST runner': async (control, { body }) => textReply(200, await control.runScript(body.toString('utf8'))),
  'GET webhooks.json': (control) => json({ attempts: control.webhookHistory() }),
  'GET dkim.json': ({ office }) =>
    json({ records: office.settings.domains.map((domain) => dkimRecord(office.dkim(domain))) }),
  'GET messages.json': ({ office }, { query }) =>
    json({ messages: messageRows(office.messages.list(), query) }),
  'GET mailbox.json': ({ office }, { query }) =>
    json({ messages: mailboxList(office.messages.list(), query) }),
  'GET mailbox/ID.json': ({ office }, _, id) => {
    const row = office.messages.byId(id);
    return row ? json(mailboxEntry(row)) : notFound;
  },
  ...mailboxPages,
};

/** Answers what stands under `/_stand-in/`. A browser elsewhere cannot reach it: Host and content type are checked. */
export async function answerControl(control: Control, request: ControlRequest): Promise<Reply> {
  if (!isLocalHost(control.office, request.headers.host)) return json({ error: 'unknown Host' }, 403);
  const isJson = /^application\/(json|x-ruby)\b/.test(request.headers['content-type'] ?? '');
  if (request.method === 'POST' && !isJson) return json({ error: 'send application/json' }, 415);
  const [, id = '0'] = /^\/_stand-in\/mailbox\/(\d+)/.exec(request.path) ?? [];
  const name = request.path.replace('/_stand-in/', '').replace(/^mailbox\/\d+/, 'mailbox/ID');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes[`${method} ${name}`];
  return route ? route(control, request, Number(id)) : notFound;
}

function isLocalHost(office: Office, host = ''): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replaceAll(/^\[|\]$/g, '')
    .toLowerCase();
  return isIP(name) > 0 || name === 'localhost' || name === office.settings.webHostname;
}

interface Shape<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: Error };
}

async function take<T>(shape: Shape<T>, body: Buffer, act: (value: T) => unknown): Promise<Reply> {
  const parsed = shape.safeParse(jsonOf(body));
  return parsed.success ? json(await act(parsed.data)) : json({ error: parsed.error.message }, 400);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

const notFound = json({ error: 'nothing is here' }, 404);

function json(value: unknown, status = 200): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    body: JSON.stringify(value),
  };
}

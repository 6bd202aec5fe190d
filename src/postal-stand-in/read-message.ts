import { type ApiAnswer, type ApiParams, failure, isBlank, missing, success } from './api-answers.ts';
import { readHeaders } from './headers.ts';
import { type MailContent, readContent } from './mail-content.ts';
import type { MessageRow } from './messages.ts';
import type { Office } from './office.ts';
import { float, type RubyValue } from './ruby-json.ts';

/** `messages/message`: id and token, and what `_expansions` asks for. */
export async function readMessage(office: Office, params: ApiParams): Promise<ApiAnswer> {
  const found = findRow(office, params);
  if (!('row' in found)) return found;
  const content = await readContent(found.row.raw);
  const { _expansions: wanted } = params;
  const isWanted = (name: string) => wanted === true || (Array.isArray(wanted) && wanted.includes(name));
  const parts = Object.entries(expansions).filter(([name]) => isWanted(name));
  const expanded = Object.fromEntries(parts.map(([name, expand]) => [name, expand(found.row, content)]));
  return success({ id: found.row.id, token: found.row.token, ...expanded });
}

/** `messages/deliveries`: each attempt so far. */
export async function readDeliveries(office: Office, params: ApiParams): Promise<ApiAnswer> {
  const found = findRow(office, params);
  if (!('row' in found)) return found;
  return success(
    found.row.deliveries.map((delivery) => ({
      id: delivery.id,
      status: delivery.status,
      details: delivery.details,
      output: delivery.output,
      sent_with_ssl: delivery.sentWithSsl,
      log_id: null,
      time: floatOrNull(delivery.time),
      timestamp: float(delivery.timestamp),
    })),
  );
}

function findRow(office: Office, { id }: ApiParams): { row: MessageRow } | ApiAnswer {
  if (isBlank(id)) return missing('id');
  if (typeof id !== 'number' || !Number.isInteger(id)) return { status: 'broken' };
  const row = office.messages.byId(id);
  return row ? { row } : failure('MessageNotFound', { message: 'No message found matching provided ID', id });
}

type Expand = (row: MessageRow, content: MailContent) => RubyValue;

const expansions: Readonly<Record<string, Expand>> = {
  status: (row) => ({
    status: row.status,
    last_delivery_attempt: floatOrNull(row.deliveries.at(-1)?.timestamp ?? null),
    held: row.held,
    hold_expiry: null,
  }),
  details: (row) => ({
    rcpt_to: row.rcptTo,
    mail_from: row.mailFrom,
    subject: row.subject,
    message_id: row.messageId,
    timestamp: float(row.timestamp),
    direction: row.direction,
    size: String(row.raw.length),
    bounce: row.bounce,
    bounce_for_id: 0,
    tag: row.tag,
    received_with_ssl: true,
  }),
  inspection: () => ({
    inspected: false,
    spam: false,
    spam_score: float(0),
    threat: false,
    threat_details: null,
  }),
  plain_body: (_, content) => content.plain,
  html_body: (_, content) => content.html,
  attachments: (_, content) =>
    content.attachments.map(({ filename, contentType, data, sha1 }) => ({
      filename,
      content_type: contentType,
      data: base64Lines(data),
      size: data.length,
      hash: sha1,
    })),
  headers: (row) => headersByName(row.raw),
  raw_message: (row) => base64Lines(row.raw),
  activity_entries: (row) => ({
    loads: row.loads.map(({ timestamp, ipAddress, userAgent }) => ({
      ip_address: ipAddress,
      user_agent: userAgent,
      timestamp: float(timestamp),
    })),
    clicks: row.clicks.map(({ timestamp, ipAddress, userAgent, url }) => ({
      url,
      ip_address: ipAddress,
      user_agent: userAgent,
      timestamp: float(timestamp),
    })),
  }),
};

/** The order in which Postal lists well-known fields; others follow in the message's own. */
const fieldOrder = [
  'received',
  'date',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'message-id',
  'in-reply-to',
  'references',
  'subject',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];

function headersByName(raw: Buffer): Record<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const { name, value } of readHeaders(raw)) {
    const key = name.toLowerCase();
    byName.set(key, [...(byName.get(key) ?? []), value]);
  }
  const names = [...byName.keys()];
  const sorted = [...new Set([...fieldOrder.filter((name) => byName.has(name)), ...names])];
  return Object.fromEntries(sorted.map((name) => [name, byName.get(name) ?? []]));
}

/** Base64 in lines of 60 letters, each ended by LF, as Ruby's encode64 writes it. */
function base64Lines(data: Buffer): string {
  return data.toString('base64').replaceAll(/.{1,60}/g, '$&\n');
}

function floatOrNull(value: number | null): RubyValue {
  return value === null ? null : float(value);
}

import { isIP } from 'node:net';

import { domainOf } from '../../domain/address.ts';
import { editHeaderSection, type HeaderField, readHeaderSection } from '../../domain/header-section.ts';
import { priorities, priorityHeader, readPriority } from '../../domain/priority.ts';
import type { ClaimedDomains } from '../../domain/sender-domains.ts';
import { parseAddressList } from './address-list.ts';
import type { Said } from './replies.ts';

/** What the trace and the missing fields are made of. */
export interface Reception {
  readonly id: string;
  readonly at: Date;
  readonly hostname: string;
  readonly secure: boolean;
  /** What the client called itself, and the address it came from; undefined where the trace hides it. */
  readonly client: { readonly name: string; readonly address: string } | undefined;
  readonly senderDomains: readonly string[];
  readonly maxHeaderBytes: number;
}

/** `top` takes the place of the first `from` octets. */
export type Prepared =
  | {
      readonly ok: true;
      readonly top: Uint8Array;
      readonly from: number;
      readonly messageId: string | undefined;
      readonly idempotencyKey: string | undefined;
      readonly claimed: ClaimedDomains;
    }
  | { readonly ok: false; readonly said: Said };

const once = new Set([
  'from',
  'sender',
  'date',
  'message-id',
  'subject',
  'x-idempotency-key',
  'x-mailctl-tag',
  priorityHeader,
]);
const bounded = ['message-id', 'x-idempotency-key', 'x-mailctl-tag'];
const unsent = /^(?:bcc$|resent-bcc$|x-idempotency-key$|x-mailctl-tag$|x-postal-)/;
const longestName = 255;
const blankLine = Buffer.from('\r\n\r\n');
const isName = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[A-Za-z0-9.:]+\])$/;

/**
 * Makes a submitted message fit to be sent (RFC 6409 §8): trace field added (RFC 5321 §4.4), Date
 * and Message-ID added where they are missing, Bcc what only the platform may say removed, and X-Mailctl-Tag made Postal's tag; every other octet as it was.
 * `head` is the message's beginning, up to one octet more than the header may have.
 */
export function prepareMessage(head: Buffer, reception: Reception): Prepared {
  const end = endOfSection(head);
  if (end > reception.maxHeaderBytes) {
    return { ok: false, said: { reply: 'headerTooBig', values: { bytes: reception.maxHeaderBytes } } };
  }
  const section = head.subarray(0, end);
  const fields = readHeaderSection(section);
  const flaw = flawOf(section, fields);
  const claimed = flaw ?? claimedDomains(fields);
  if (!isClaim(claimed)) return { ok: false, said: claimed };
  const foreign = foreignAmong(claimed, reception.senderDomains);
  if (foreign !== undefined)
    return { ok: false, said: { reply: 'senderNotAllowed', values: { domain: foreign } } };
  const messageId = valueOf(fields, 'message-id');
  const idempotencyKey = valueOf(fields, 'x-idempotency-key');
  const leaveOut = fields.filter((field) => unsent.test(field.name) || isEmptyIdentity(field));
  const top = editHeaderSection(section, { leaveOut, add: additions(fields, reception) });
  return { ok: true, top, from: end, messageId, idempotencyKey, claimed };
}

function endOfSection(head: Buffer): number {
  if (head[0] === 13) return 0;
  const blank = head.indexOf(blankLine);
  return blank < 0 ? head.length : blank + 2;
}

/** What would be read differently by those behind us, or be refused there after we said 250. */
function flawOf(section: Buffer, fields: readonly HeaderField[]): Said | undefined {
  const isWhole = fields.reduce((end, field) => (field.start === end ? field.end : -1), 0) === section.length;
  if (!isWhole || fields.some((field) => section[field.start + field.name.length] !== 0x3a)) {
    return bad('Message header has a line that is no header field');
  }
  const twice = secondOf(fields);
  if (twice !== undefined) return bad(`Message has more than one ${twice} field`);
  const long = bounded.find((name) => (valueOf(fields, name)?.length ?? 0) > longestName);
  if (long !== undefined) return bad(`Field ${long} is longer than ${longestName} characters`);
  const priority = fields.find(({ name }) => name === priorityHeader);
  return priority && !readPriority(priority.value)
    ? bad(`Field ${priorityHeader} must be ${priorities.join(', ')}`)
    : undefined;
}

function secondOf(fields: readonly HeaderField[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (!once.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** The domains of every author and of the sender: Postal judges the very same fields. */
function claimedDomains(fields: readonly HeaderField[]): ClaimedDomains | Said {
  const authors = parseAddressList(valueOf(fields, 'from') ?? '');
  const senders = parseAddressList(valueOf(fields, 'sender') ?? '');
  if (!authors || authors.length === 0) return bad('From: must hold an address that mail can be sent from');
  if (!senders) return bad('Sender: must be an address that mail can be sent from');
  return { authors: authors.map(domainOf), senders: senders.map(domainOf) };
}

function isClaim(claimed: ClaimedDomains | Said): claimed is ClaimedDomains {
  return typeof claimed === 'object' && 'authors' in claimed;
}

/** The first domain that is not allowed to the credential. */
function foreignAmong({ authors, senders }: ClaimedDomains, allowed: readonly string[]): string | undefined {
  if (allowed.length === 0) return undefined;
  return [...authors, ...senders].find((domain) => !allowed.includes(domain));
}

function additions(fields: readonly HeaderField[], reception: Reception): readonly string[] {
  const date = reception.at.toUTCString().replace('GMT', '+0000');
  const protocol = reception.secure ? 'ESMTPSA' : 'ESMTPA';
  const tag = valueOf(fields, 'x-mailctl-tag');
  return [
    `Received: ${clientOf(reception)}by ${reception.hostname} (mailctl) with ${protocol} id ${reception.id};\r\n\t${date}`,
    ...(valueOf(fields, 'message-id') ? [] : [`Message-ID: <${reception.id}@${reception.hostname}>`]),
    ...(valueOf(fields, 'date') ? [] : [`Date: ${date}`]),
    ...(tag === undefined ? [] : [`X-Postal-Tag: ${tag}`]),
  ];
}

/** The `from` of the trace: what the client called itself where that is a name or an address literal, and where it came from. */
function clientOf({ client }: Reception): string {
  if (!client) return '';
  const { name, address } = client;
  const [plain = ''] = address.split('%');
  const literal = isIP(plain) === 6 ? `[IPv6:${plain}]` : `[${plain}]`;
  return `from ${isName.test(name) ? `${name} (${literal})` : literal}\r\n\t`;
}

function isEmptyIdentity({ name, value }: HeaderField): boolean {
  return value === '' && (name === 'message-id' || name === 'date');
}

function valueOf(fields: readonly HeaderField[], name: string): string | undefined {
  return fields.find((field) => field.name === name)?.value || undefined;
}

function bad(why: string): Said {
  return { reply: 'badMessage', values: { why } };
}

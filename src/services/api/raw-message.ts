import {
  type HeaderField,
  editHeaderSection,
  headerValue,
  readHeaderSection,
} from '../../domain/header-section.ts';
import type { Id } from '../../domain/id.ts';
import { isAddress } from '../../domain/mailbox.ts';
import type { Envelope } from '../../domain/submission.ts';
import { domainOf } from '../../domain/address.ts';
import { priorities, priorityHeader, readPriority } from '../../domain/priority.ts';
import { ApiProblem } from './problem.ts';
import type { ApiWorld } from './room.ts';

/** An RFC 5322 message as it was sent to us, with the envelope its sender named beside it. */
export interface RawMessage {
  readonly octets: Uint8Array;
  /** Header Mail-From of the request; else the From of the message. */
  readonly mailFrom: string | undefined;
  /** Header Rcpt-To of the request; else To, Cc and Bcc of the message. */
  readonly rcptTo: string | undefined;
}

export interface FinishedMessage {
  readonly envelope: Envelope;
  readonly raw: Uint8Array;
}

/** Makes a raw message ready to go: CRLF line ends, no Bcc and X-Postal-*, Message-ID and Date where missing (RFC 6409 §8). */
export function finishRawMessage(
  message: RawMessage,
  mime: ApiWorld['mime'],
  { id, now }: { readonly id: Id<'msg'>; readonly now: Date },
): FinishedMessage {
  if (message.octets.includes(0))
    throw new ApiProblem('invalid-message', 'The message holds a NUL octet, which no mail may (RFC 5322 §4)');
  const octets = withCrlf(message.octets);
  const fields = readHeaderSection(octets);
  const [from] = mime.readAddresses(headerValue(fields, 'from') ?? '');
  if (from === undefined)
    throw new ApiProblem('invalid-message', 'The message has no From field with an address', {
      field: 'from',
    });
  checkPriority(fields);
  const envelope = {
    mailFrom: message.mailFrom ?? from,
    rcptTo: message.rcptTo === undefined ? recipientsOf(fields, mime) : mime.readAddresses(message.rcptTo),
  };
  checkAddresses(envelope, message.rcptTo === undefined ? 'to' : 'rcpt-to');
  const missing = [
    ...(has(fields, 'message-id') ? [] : [`Message-ID: <${id}@${domainOf(from)}>`]),
    ...(has(fields, 'date') ? [] : [`Date: ${now.toUTCString().replace('GMT', '+0000')}`]),
  ];
  const leaveOut = fields.filter(({ name }) => name === 'bcc' || isPostals(name));
  return { envelope, raw: editHeaderSection(octets, { leaveOut, add: missing }) };
}

function checkPriority(fields: readonly HeaderField[]): void {
  const value = headerValue(fields, priorityHeader);
  if (value !== undefined && !readPriority(value))
    throw new ApiProblem('invalid-field', `X-Mailctl-Priority must be ${priorities.join(', ')}`, {
      field: priorityHeader,
    });
}

/** Tags are for us to pass on; any other X-Postal field would be an order to Postal. */
function isPostals(name: string): boolean {
  return name.startsWith('x-postal-') && name !== 'x-postal-tag';
}

function has(fields: readonly HeaderField[], name: string): boolean {
  return fields.some((field) => field.name === name);
}

function recipientsOf(fields: readonly HeaderField[], mime: ApiWorld['mime']): readonly string[] {
  const values = fields.filter(({ name }) => ['to', 'cc', 'bcc'].includes(name)).map(({ value }) => value);
  return [...new Set(values.flatMap((value) => mime.readAddresses(value)))];
}

function checkAddresses({ mailFrom, rcptTo }: Envelope, recipientsField: string): void {
  if (mailFrom !== '' && !isAddress(mailFrom))
    throw new ApiProblem('invalid-field', 'Mail-From is no mail address', { field: 'mail-from' });
  if (!rcptTo.every(isAddress))
    throw new ApiProblem('invalid-field', 'A recipient of the message is no mail address', {
      field: recipientsField,
    });
}

const bare = /\r(?!\n)|(?<!\r)\n/g;

/** SMTP knows CRLF only (RFC 5321 §2.3.8); files on Unix have LF. */
function withCrlf(octets: Uint8Array): Uint8Array {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
  return text.search(bare) < 0 ? octets : Buffer.from(text.replaceAll(bare, '\r\n'), 'latin1');
}

import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';

import { splitMessage } from './headers.ts';

export interface DkimIdentity {
  readonly domain: string;
  readonly selector: string;
  readonly key: KeyObject;
}

const signedFields = [
  'date',
  'from',
  'to',
  'cc',
  'message-id',
  'subject',
  'reply-to',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];

/** The DKIM-Signature field of a message with CRLF line ends, rsa-sha256 and relaxed/relaxed (RFC 6376 §3.4, §3.7). */
export function dkimSignature(message: Buffer, identity: DkimIdentity, at: number): string {
  const { head, body } = splitMessage(message);
  const fields = fieldsOf(head.toString('latin1'));
  const signed = signedFields.flatMap((name) => fields.findLast((field) => field.name === name) ?? []);
  const bodyHash = createHash('sha256')
    .update(relaxBody(body.toString('latin1')), 'latin1')
    .digest('base64');
  const unsigned = [
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;',
    `d=${identity.domain};`,
    `s=${identity.selector}; t=${Math.floor(at)};`,
    `bh=${bodyHash};`,
    `h=${signed.map((field) => field.name).join(':')};`,
    'b=',
  ].join('\r\n\t');
  const input = [...signed.map((field) => `${relaxField(field.line)}\r\n`), relaxField(unsigned)].join('');
  const signature = sign('RSA-SHA256', Buffer.from(input, 'latin1'), identity.key).toString('base64');
  return `${unsigned}${signature.replaceAll(/.{72}(?=.)/g, '$&\r\n\t')}\r\n`;
}

/** The TXT record that publishes the key, in the form Postal asks operators for. */
export function dkimRecord(identity: DkimIdentity): { name: string; value: string } {
  const key = createPublicKey(identity.key).export({ type: 'spki', format: 'der' }).toString('base64');
  return {
    name: `${identity.selector}._domainkey.${identity.domain}`,
    value: `v=DKIM1; t=s; h=sha256; p=${key};`,
  };
}

function fieldsOf(head: string): { name: string; line: string }[] {
  return head
    .split(/\r\n(?![ \t])/)
    .filter((line) => line.includes(':'))
    .map((line) => ({ name: line.slice(0, line.indexOf(':')).trim().toLowerCase(), line }));
}

function relaxField(line: string): string {
  const colon = line.indexOf(':');
  const value = line
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
  return `${line.slice(0, colon).trim().toLowerCase()}:${value}`;
}

function relaxBody(body: string): string {
  const lines = body.replaceAll(/[ \t]+/g, ' ').replaceAll(/ (?=\r\n|$)/g, '');
  let end = lines.length;
  while (lines.endsWith('\r\n', end)) end -= 2;
  return end === 0 ? '' : `${lines.slice(0, end)}\r\n`;
}

import { fromDomains, type Header, headerText, readHeaders } from './headers.ts';
import type { FaultOrder, Occasion } from './faults.ts';
import type { MessageRow } from './messages.ts';
import { note, type Office } from './office.ts';

export interface Mail {
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
  readonly raw: Buffer;
  readonly bounce: boolean;
}

/** What became of a mail: rows by recipient; `killed` when the process "died" on the way. */
export type Accepted =
  | { readonly kind: 'stored'; readonly rows: readonly MessageRow[] }
  | { readonly kind: 'killed' }
  | { readonly kind: 'too-long' };

/** Width of Postal's columns; MariaDB in strict mode refuses more, and Postal answers 500. */
const columnWidth = 255;

/** The verified domain that a message may be sent from, when every address in From: is at one; exact, no subdomains. */
export function authenticatedDomain(office: Office, raw: Buffer): string | undefined {
  const domains = fromDomains(readHeaders(raw));
  return domains.every((domain) => office.settings.domains.includes(domain)) ? domains[0] : undefined;
}

/** Stores one row for each different recipient, one after the other; it does not care whether the client still waits. */
export async function acceptMail(office: Office, mail: Mail, domain: string): Promise<Accepted> {
  const headers = readHeaders(mail.raw);
  const occasion: Occasion = { mailFrom: mail.mailFrom, rcptTo: mail.rcptTo };
  const slow = office.faults.take('slow-accept', occasion);
  const kill = mail.rcptTo.length > 0 ? office.faults.take('killed-midway', occasion) : undefined;
  const rows: MessageRow[] = [];
  for (const rcptTo of new Set(mail.rcptTo)) {
    if (isTooLong([rcptTo, mail.mailFrom, headerText(headers, 'message-id')])) return { kind: 'too-long' };
    await takeTime(office, slow);
    const row = await storeRow(office, { ...mail, rcptTo, domain, headers });
    rows.push(row);
    if (kill && rows.length >= (kill.recipients ?? 1)) return { kind: 'killed' };
    await queueRow(office, row);
  }
  return { kind: 'stored', rows };
}

function isTooLong(values: readonly (string | null)[]): boolean {
  return values.some((value) => value !== null && value.length > columnWidth);
}

async function takeTime(office: Office, slow: FaultOrder | undefined): Promise<void> {
  if (slow) await office.world.clock.sleep(slow.ms ?? 100, office.stop);
  await office.pacer.accept();
}

interface Recipient extends Omit<Mail, 'rcptTo'> {
  readonly rcptTo: string;
  readonly domain: string;
  readonly headers: readonly Header[];
}

async function storeRow(office: Office, { headers, ...mail }: Recipient): Promise<MessageRow> {
  const row = office.messages.insert({
    ...mail,
    direction: 'outgoing',
    subject: headerText(headers, 'subject')?.slice(0, 200) ?? null,
    messageId: headerText(headers, 'message-id')?.replaceAll(/^<|>$/g, '') ?? null,
    timestamp: office.stamp(),
  });
  note(office, row, 'Accepted', `for ${mail.rcptTo || 'no recipient'}, as message ${row.id}`);
  await office.world.ledger?.messageStored(row);
  return row;
}

async function queueRow(office: Office, row: MessageRow): Promise<void> {
  row.queued = true;
  await office.world.ledger?.queued(row);
  office.enqueue(row);
}

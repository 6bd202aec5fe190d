import { type LinkTable, openLinks } from './links.ts';
import { randomToken, type TokenSource } from './tokens.ts';

/** A message row: Postal writes one for each recipient of a call. */
export interface MessageRow {
  readonly id: number;
  readonly token: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly rcptTo: string;
  readonly mailFrom: string;
  readonly subject: string | null;
  readonly messageId: string | null;
  /** Seconds since the epoch, like every time of Postal's. */
  readonly timestamp: number;
  readonly bounce: boolean;
  readonly domain: string;
  readonly raw: Buffer;
  /** From X-Postal-Tag, and only once the worker took the message. */
  tag: string | null;
  status: DeliveryStatus | 'Pending' | 'Bounced';
  held: boolean;
  /** False with the status Pending: an orphan that Postal will never send. */
  queued: boolean;
  readonly deliveries: Delivery[];
  readonly loads: Load[];
  readonly clicks: Click[];
  readonly timeline: TimelineEntry[];
  delivered: DeliveredMail | undefined;
}

export type DeliveryStatus = 'Sent' | 'SoftFail' | 'HardFail' | 'Held';

export interface Delivery {
  readonly id: number;
  readonly status: DeliveryStatus;
  readonly details: string;
  readonly output: string;
  readonly sentWithSsl: boolean | null;
  readonly time: number | null;
  readonly timestamp: number;
}

export interface Load {
  readonly timestamp: number;
  readonly ipAddress: string;
  readonly userAgent: string | null;
}

export interface Click extends Load {
  readonly url: string;
}

/** What reached the recipient's mailbox. */
export interface DeliveredMail {
  readonly at: number;
  readonly envelopeFrom: string;
  readonly data: Buffer;
}

export interface TimelineEntry {
  readonly at: number;
  readonly event: string;
  readonly detail: string;
}

export type NewMessage = Pick<
  MessageRow,
  'direction' | 'rcptTo' | 'mailFrom' | 'subject' | 'messageId' | 'timestamp' | 'bounce' | 'domain' | 'raw'
>;

/** Postal's message database, in memory and bounded. */
export interface MessageTable {
  insert(message: NewMessage): MessageRow;
  keepDelivered(row: MessageRow, mail: DeliveredMail): void;
  byId(id: number): MessageRow | undefined;
  byToken(token: string): MessageRow | undefined;
  /** Newest first. */
  list(): MessageRow[];
  readonly links: LinkTable<MessageRow>;
  clear(): void;
}

interface Keep {
  readonly messages: number;
  readonly bytes: number;
}

/** An empty table; ids grow from 1 and are not given twice, not even after `clear`. */
export function openMessages(keep: Keep, random: TokenSource): MessageTable {
  const rows = new Map<number, MessageRow>();
  const tokens = new Map<string, MessageRow>();
  const links = openLinks<MessageRow>(random);
  let lastId = 0;
  let bytes = 0;

  const makeRoom = () => {
    for (const row of rows.values()) {
      if (rows.size <= keep.messages && bytes <= keep.bytes) return;
      rows.delete(row.id);
      tokens.delete(row.token);
      links.dropOf(row);
      bytes -= octets(row);
    }
  };

  return {
    insert: (message) => {
      lastId += 1;
      const row = { ...message, ...emptyRow(), id: lastId, token: randomToken(random, 16) };
      rows.set(row.id, row);
      tokens.set(row.token, row);
      bytes += octets(row);
      makeRoom();
      return row;
    },
    keepDelivered: (row, mail) => {
      if (rows.has(row.id)) bytes += mail.data.length - (row.delivered?.data.length ?? 0);
      row.delivered = mail;
      makeRoom();
    },
    byId: (id) => rows.get(id),
    byToken: (token) => tokens.get(token),
    list: () => [...rows.values()].toReversed(),
    links,
    clear: () => {
      for (const map of [rows, tokens, links]) map.clear();
      bytes = 0;
    },
  };
}

function emptyRow() {
  return {
    tag: null,
    status: 'Pending' as const,
    held: false,
    queued: false,
    deliveries: [],
    loads: [],
    clicks: [],
    timeline: [],
    delivered: undefined,
  };
}

function octets(row: MessageRow): number {
  return row.raw.length + (row.delivered?.data.length ?? 0);
}

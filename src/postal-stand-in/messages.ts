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

/** A row that an earlier process stored; `queued` when it was never delivered. */
export type StoredMessage = NewMessage & Pick<MessageRow, 'id' | 'token' | 'queued'>;

/** Postal's message database, in memory and bounded. */
export interface MessageTable {
  insert(message: NewMessage): MessageRow;
  /** Puts a row back as it was; ids go on after the highest. */
  restore(stored: StoredMessage): MessageRow;
  keepDelivered(row: MessageRow, mail: DeliveredMail): void;
  byId(id: number): MessageRow | undefined;
  byToken(token: string): MessageRow | undefined;
  /** Newest first. */
  list(): MessageRow[];
  readonly links: LinkTable<MessageRow>;
  clear(): void;
}

/** An empty table; ids grow from 1 and are not given twice, not even after `clear`. */
export function openMessages(keep: Keep, random: TokenSource): MessageTable {
  const tokens = new Map<string, MessageRow>();
  const links = openLinks<MessageRow>(random);
  const shelf = openShelf(keep, (row) => {
    tokens.delete(row.token);
    links.dropOf(row);
  });
  let lastId = 0;

  const restore = (stored: StoredMessage): MessageRow => {
    const row = { ...emptyRow(), ...stored };
    lastId = Math.max(lastId, row.id);
    tokens.set(row.token, row);
    shelf.put(row);
    return row;
  };

  return {
    restore,
    insert: (message) =>
      restore({ ...message, id: lastId + 1, token: randomToken(random, 16), queued: false }),
    keepDelivered: (row, mail) =>
      shelf.grow(row, () => {
        row.delivered = mail;
      }),
    byId: (id) => shelf.rows.get(id),
    byToken: (token) => tokens.get(token),
    list: () => [...shelf.rows.values()].toReversed(),
    links,
    clear: () => {
      for (const part of [shelf, tokens, links]) part.clear();
    },
  };
}

interface Keep {
  readonly messages: number;
  readonly bytes: number;
}

/** Rows within bounds of number and octets; the oldest fall off. */
function openShelf(keep: Keep, dropped: (row: MessageRow) => void) {
  const rows = new Map<number, MessageRow>();
  let bytes = 0;
  const makeRoom = () => {
    for (const row of rows.values()) {
      if (rows.size <= keep.messages && bytes <= keep.bytes) return;
      rows.delete(row.id);
      bytes -= octets(row);
      dropped(row);
    }
  };
  return {
    rows,
    put: (row: MessageRow) => {
      rows.set(row.id, row);
      bytes += octets(row);
      makeRoom();
    },
    grow: (row: MessageRow, change: () => void) => {
      const before = octets(row);
      change();
      if (rows.has(row.id)) bytes += octets(row) - before;
      makeRoom();
    },
    clear: () => {
      rows.clear();
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

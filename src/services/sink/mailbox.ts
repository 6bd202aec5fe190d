import type { TakenMail } from './smtp-session.ts';

/** One message in one recipient's mailbox; the names are those of the mailbox that the end-to-end check reads. */
export interface SinkEntry {
  readonly id: number;
  readonly to: string;
  readonly envelope_from: string;
  readonly from: string | null;
  readonly message_id: string | null;
  readonly subject: string | null;
  readonly tag: string | null;
  readonly size: number;
  readonly delivered_at: string;
}

/** The mail that was taken, in memory and within bounds. */
export interface SinkMailbox {
  put(mail: TakenMail, now: Date): void;
  /** Newest first; `to` and `message_id` narrow it down. */
  list(query: URLSearchParams): readonly SinkEntry[];
  /** The message, octet for octet. */
  raw(id: number): Buffer | undefined;
  empty(): void;
}

interface Kept {
  readonly entry: SinkEntry;
  readonly raw: Buffer;
}

/** An empty mailbox that keeps so many messages and octets; the oldest go first. */
export function openSinkMailbox(most: { readonly messages: number; readonly bytes: number }): SinkMailbox {
  let kept: Kept[] = [];
  let bytes = 0;
  let last = 0;
  const trim = () => {
    while (kept.length > most.messages || (bytes > most.bytes && kept.length > 1)) {
      bytes -= kept.shift()?.raw.length ?? 0;
    }
  };
  return {
    put: (mail, now) => {
      for (const to of mail.to) {
        last += 1;
        kept.push({ entry: entryOf(mail, to, { id: last, now }), raw: mail.raw });
        bytes += mail.raw.length;
      }
      trim();
    },
    list: (query) =>
      kept
        .map(({ entry }) => entry)
        .filter((entry) => narrows(query, 'to', entry.to) && narrows(query, 'message_id', entry.message_id))
        .toReversed(),
    raw: (id) => kept.find(({ entry }) => entry.id === id)?.raw,
    empty: () => {
      kept = [];
      bytes = 0;
    },
  };
}

function narrows(query: URLSearchParams, field: string, value: string | null): boolean {
  return !query.has(field) || query.get(field) === value;
}

function entryOf(
  { from, raw }: TakenMail,
  to: string,
  { id, now }: { readonly id: number; readonly now: Date },
): SinkEntry {
  const head = headOf(raw);
  return {
    id,
    to,
    envelope_from: from,
    from: field(head, 'from'),
    message_id: field(head, 'message-id')?.replaceAll(/^<|>$/g, '') ?? null,
    subject: field(head, 'subject'),
    tag: field(head, 'x-postal-tag'),
    size: raw.length,
    delivered_at: now.toISOString(),
  };
}

function headOf(raw: Buffer): string {
  const end = raw.indexOf('\r\n\r\n');
  return raw.toString('utf8', 0, end < 0 ? raw.length : end).replaceAll(/\r\n[ \t]+/g, ' ');
}

function field(head: string, name: string): string | null {
  const line = head.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name}:`));
  return line === undefined ? null : line.slice(name.length + 1).trim();
}

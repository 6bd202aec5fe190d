/** The types of record that mail needs. */
export type RecordType = 'A' | 'AAAA' | 'MX' | 'TXT' | 'CNAME' | 'PTR';

/** One record as an operator creates it. Names end without a dot; the value of an MX is `10 host`. */
export interface DnsRecord {
  readonly type: RecordType;
  readonly name: string;
  readonly value: string;
  /** What it is for. */
  readonly why: string;
  /** Mail flows without it. */
  readonly optional?: true;
  /** What is seen need only hold this: other words may stand beside it, as in an SPF record. */
  readonly holds?: string;
}

/** True when one of the values seen is what the record wants: the same text, or for `holds` one that has it. */
export function isPublished(record: DnsRecord, seen: readonly string[]): boolean {
  if (record.type === 'TXT') return isTextPublished(record, seen);
  const wanted = plain(record.value);
  const values = seen.map(plain);
  return record.type === 'CNAME' ? values.length === 1 && values[0] === wanted : values.includes(wanted);
}

/** DKIM must be the only text of its name (Postal compares it so), SPF the only one that begins `v=spf1` (RFC 7208 §3.2). */
function isTextPublished({ value, holds }: DnsRecord, seen: readonly string[]): boolean {
  const [kind] = /^v=[a-z0-9]+/i.exec(value) ?? [];
  const rivals = kind
    ? seen.filter((text) => text.trim().toLowerCase().startsWith(kind.toLowerCase()))
    : seen;
  if (holds !== undefined)
    return rivals.length === 1 && (rivals[0]?.split(/[\s;]+/).includes(holds) ?? false);
  const texts = kind ? rivals : seen;
  const isRight = texts.some((text) => withoutEnd(text) === withoutEnd(value));
  return isRight && (kind === undefined || texts.length === 1);
}

function withoutEnd(text: string): string {
  return text.trim().replace(/;$/, '');
}

function plain(value: string): string {
  return value.trim().toLowerCase().replace(/\.$/, '');
}

/** The record as a line of a zone file (RFC 1035 §5.1); texts of more than 255 octets are cut into strings (§3.3.14). */
export function asZoneLine({ type, name, value }: DnsRecord): string {
  const written = { TXT: () => quotedText(value), A: () => value, AAAA: () => value }[type as string];
  return `${name}. IN ${type} ${written ? written() : `${value}.`}`;
}

function quotedText(text: string): string {
  const parts = text.match(/.{1,255}/gs) ?? [''];
  return parts.map((part) => `"${part.replaceAll(/["\\]/g, (letter) => `\\${letter}`)}"`).join(' ');
}

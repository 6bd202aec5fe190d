/** The record types that are answered (RFC 1035 §3.2.2, RFC 3596). */
export const recordTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;

export type RecordType = keyof typeof recordTypes;

/** One question; the name in small letters, without a dot at its end. `type` is undefined for one that is never answered. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: RecordType | undefined;
}

/** One record to answer with; the value as zone files write it, names without a dot at their end. */
export interface DnsAnswer {
  readonly name: string;
  readonly type: RecordType;
  readonly value: string;
}

/** What a client asked, and all that its reply must repeat. */
export interface DnsQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: DnsQuestion;
  /** The question's octets. */
  readonly asked: Uint8Array;
  /** Octets that a reply over UDP may have (RFC 6891 §6.2.3). */
  readonly mostBytes: number;
}

const headerBytes = 12;
const leastUdpBytes = 512;

/** Reads a query; undefined for what is none, such as a reply or more than one question. */
export function readDnsQuery(packet: Uint8Array): DnsQuery | undefined {
  const view = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  if (view.length < headerBytes) return undefined;
  const flags = view.readUInt16BE(2);
  const isQuery = (flags & 0x80_00) === 0 && (flags & 0x78_00) === 0;
  if (!isQuery || view.readUInt16BE(4) !== 1) return undefined;
  const named = readName(view, headerBytes);
  if (!named || named.end + 4 > view.length) return undefined;
  const [type, family] = [view.readUInt16BE(named.end), view.readUInt16BE(named.end + 2)];
  const known = Object.entries(recordTypes).find(([, number]) => number === type)?.[0] as
    | RecordType
    | undefined;
  return {
    id: view.readUInt16BE(0),
    recursionDesired: (flags & 0x01_00) !== 0,
    question: { name: named.name, type: family === 1 ? known : undefined },
    asked: view.subarray(headerBytes, named.end + 4),
    mostBytes: readUdpSize(view, named.end + 4),
  };
}

/** The reply with these answers. One over UDP that would be too long is cut, and says so (RFC 1035 §4.2.1). */
export function writeDnsReply(
  query: DnsQuery,
  answers: readonly DnsAnswer[],
  { ttlSeconds, over }: { readonly ttlSeconds: number; readonly over: 'udp' | 'tcp' },
): Buffer {
  const records = answers.map((answer) => writeRecord(answer, ttlSeconds));
  const whole = Buffer.concat([writeHeader(query, records.length, false), query.asked, ...records]);
  if (over === 'tcp' || whole.length <= query.mostBytes) return whole;
  return Buffer.concat([writeHeader(query, 0, true), query.asked]);
}

function writeHeader(query: DnsQuery, answers: number, cut: boolean): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(0x84_80 | (query.recursionDesired ? 0x01_00 : 0) | (cut ? 0x02_00 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers, 6);
  return header;
}

function writeRecord({ name, type, value }: DnsAnswer, ttlSeconds: number): Buffer {
  const data = writeData(type, value);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(recordTypes[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlSeconds, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(name), fixed, data]);
}

function writeData(type: RecordType, value: string): Buffer {
  if (type === 'A') return Buffer.from(value.split('.').map(Number));
  if (type === 'TXT') return Buffer.concat(characterStrings(value));
  if (type !== 'MX') return writeName(value);
  const [preference = '10', host = ''] = value.split(/\s+/);
  const number = Buffer.alloc(2);
  number.writeUInt16BE(Number(preference), 0);
  return Buffer.concat([number, writeName(host)]);
}

/** A text in pieces of at most 255 octets, which readers put together again (RFC 7208 §3.3). */
function characterStrings(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value);
  const pieces = Array.from({ length: Math.max(1, Math.ceil(bytes.length / 255)) }, (_, index) =>
    bytes.subarray(index * 255, (index + 1) * 255),
  );
  return pieces.flatMap((piece) => [Buffer.from([piece.length]), piece]);
}

function writeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const written = labels.flatMap((label) => {
    const bytes = Buffer.from(label);
    return [Buffer.from([bytes.length]), bytes];
  });
  return Buffer.concat([...written, Buffer.from([0])]);
}

/** Names in questions are never compressed; a pointer in one makes it unreadable. */
function readName(view: Buffer, start: number): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let at = start; at < view.length && at - start < 256;) {
    const length = view.readUInt8(at);
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: at + 1 };
    if (length > 63 || at + 1 + length > view.length) return undefined;
    labels.push(view.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return undefined;
}

/** What an OPT record behind the question allows; it is the only thing that may stand there. */
function readUdpSize(view: Buffer, at: number): number {
  const isOpt = view.length >= at + 11 && view.readUInt8(at) === 0 && view.readUInt16BE(at + 1) === 41;
  return isOpt ? Math.max(leastUdpBytes, view.readUInt16BE(at + 3)) : leastUdpBytes;
}

/** One field of a message's header section (RFC 5322 §2.2), with where its octets are. */
export interface HeaderField {
  /** In lower case. */
  readonly name: string;
  /** Unfolded (§2.2.3), as UTF-8, without the space around it. */
  readonly value: string;
  readonly start: number;
  /** After the line end of its last line. */
  readonly end: number;
}

const lineEnd = Buffer.from('\r\n');
const blankLine = Buffer.from('\r\n\r\n');

/** The fields in front of the first empty line. Lines that are no field are passed over; CRLF line ends are expected. */
export function readHeaderSection(raw: Uint8Array): readonly HeaderField[] {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const fields: HeaderField[] = [];
  const text = bytes.toString('latin1', 0, endOfSection(bytes));
  let start = 0;
  while (start < text.length) {
    const next = endOfField(text, start);
    const field = readField(text, start, next);
    if (field) fields.push(field);
    start = next;
  }
  return fields;
}

/** The value of the first field of that name. */
export function headerValue(fields: readonly HeaderField[], name: string): string | undefined {
  return fields.find((field) => field.name === name)?.value;
}

/** Leaves out some fields and puts new ones, written `Name: value`, on top; all other octets stay as they are. */
export function editHeaderSection(
  raw: Uint8Array,
  { leaveOut, add }: { readonly leaveOut: readonly HeaderField[]; readonly add: readonly string[] },
): Uint8Array {
  const kept: Uint8Array[] = add.map((line) => Buffer.from(`${line}\r\n`));
  let from = 0;
  for (const field of leaveOut.toSorted((one, other) => one.start - other.start)) {
    kept.push(raw.subarray(from, field.start));
    from = field.end;
  }
  return Buffer.concat([...kept, raw.subarray(from)]);
}

function endOfSection(bytes: Buffer): number {
  if (bytes[0] === 13 && bytes[1] === 10) return 0;
  const blank = bytes.indexOf(blankLine);
  return blank < 0 ? bytes.length : blank + lineEnd.length;
}

/** `text` holds one character an octet, so that its places are those of the octets. */
function endOfField(text: string, start: number): number {
  let next = start;
  do {
    const found = text.indexOf('\r\n', next);
    next = found < 0 ? text.length : found + lineEnd.length;
  } while (isBlank(text.charCodeAt(next)));
  return next;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

const fieldName = /^[!-9;-~]+$/;

function readField(section: string, start: number, end: number): HeaderField | undefined {
  const text = section.slice(start, end);
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trimEnd();
  if (!fieldName.test(name)) return undefined;
  const value = fromUtf8(text.slice(colon + 1)).trim();
  return { name: name.toLowerCase(), value: unfolded(value), start, end };
}

function unfolded(value: string): string {
  return value.includes('\r\n') ? value.replaceAll(/\r\n(?=[ \t])/g, '') : value;
}

function fromUtf8(octets: string): string {
  return /[\u0080-\u00ff]/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}

import { headerValue, readHeaderSection } from './header-section.ts';

/** One part of a message (RFC 2045 §2.4), its transfer encoding undone. */
export interface MimePart {
  /** `text/plain` and the like, in lower case. */
  readonly type: string;
  /** Parameters of Content-Type by their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly octets: Buffer;
}

const deepest = 4;
const mostParts = 100;

/** The message itself and the parts in it, outermost first; what lies deeper than four levels is not looked into. CRLF or LF line ends. */
export function readMimeParts(raw: Uint8Array): readonly MimePart[] {
  const parts: MimePart[] = [];
  collect(withCrlf(raw), 0, parts);
  return parts;
}

function collect(raw: Buffer, depth: number, parts: MimePart[]): void {
  if (parts.length >= mostParts) return;
  const part = readPart(raw);
  parts.push(part);
  const boundary = part.parameters.get('boundary');
  if (depth >= deepest || !part.type.startsWith('multipart/') || !boundary) return;
  for (const inner of split(part.octets, boundary)) collect(inner, depth + 1, parts);
}

function readPart(raw: Buffer): MimePart {
  const fields = readHeaderSection(raw);
  const { type, parameters } = readContentType(headerValue(fields, 'content-type') ?? '');
  const body = bodyOf(raw);
  const encoding = (headerValue(fields, 'content-transfer-encoding') ?? '').toLowerCase();
  return { type, parameters, octets: type.startsWith('multipart/') ? body : decoded(body, encoding) };
}

function bodyOf(raw: Buffer): Buffer {
  if (raw.subarray(0, 2).toString('latin1') === '\r\n') return raw.subarray(2);
  const blank = raw.indexOf('\r\n\r\n');
  return blank < 0 ? Buffer.alloc(0) : raw.subarray(blank + 4);
}

function readContentType(value: string): Pick<MimePart, 'type' | 'parameters'> {
  const [type = ''] = /^[^;\s]*/.exec(value) ?? [];
  const found = value.matchAll(/;\s*([\w-]{1,40})\s*=\s*(?:"([^"]{0,500})"|([^;\s"]{1,500}))/g);
  const parameters = new Map(
    [...found].map(([, name = '', quoted, bare]) => [name.toLowerCase(), quoted ?? bare ?? '']),
  );
  return { type: type === '' ? 'text/plain' : type.toLowerCase(), parameters };
}

/** The octets between the delimiter lines (RFC 2046 §5.1.1); the last part may lack its close delimiter. */
function split(body: Buffer, boundary: string): readonly Buffer[] {
  const text = `\r\n${body.toString('latin1')}`;
  const [, ...rest] = text.split(`\r\n--${boundary}`);
  const close = rest.findIndex((piece) => piece.startsWith('--'));
  return rest
    .slice(0, close < 0 ? mostParts : Math.min(close, mostParts))
    .map((piece) => Buffer.from(piece.replace(/^[ \t]*\r\n/, ''), 'latin1'));
}

function decoded(body: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body.toString('latin1'), 'base64');
  if (encoding !== 'quoted-printable') return body;
  const text = body.toString('latin1').replaceAll(/=[ \t]*\r\n/g, '');
  return Buffer.from(
    text.replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

function withCrlf(raw: Uint8Array): Buffer {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  if (bytes.includes('\r\n') || !bytes.includes('\n')) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}

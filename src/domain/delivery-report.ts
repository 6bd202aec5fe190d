import { type Bounce, classify, codeIn } from './bounce.ts';
import { headerValue, readHeaderSection } from './header-section.ts';
import { type MimePart, readMimeParts } from './mime-part.ts';

/** What a report of a bounce says: why, and the words it rests on. */
export interface BounceReport extends Bounce {
  readonly words: string;
}

const mostWords = 300;
const mostText = 20_000;

/**
 * Reads a message that came back. The block of `address` in its delivery-status (RFC 3464) decides, else its only one; without any,
 * the plain words do.
 */
export function readBounceReport(raw: Uint8Array, address: string): BounceReport {
  const parts = readMimeParts(raw);
  const status = parts.find(({ type }) => /^message\/(?:global-)?delivery-status$/.test(type));
  const block = status && blockOf(status, address);
  if (block) return ofBlock(block);
  const words = shortened(firstReply(plainText(parts)));
  return { ...classify({ code: undefined, words }), words };
}

type Fields = ReturnType<typeof readHeaderSection>;

function blockOf({ octets }: MimePart, address: string): Fields | undefined {
  const blocks = octets
    .toString('latin1')
    .split(/(?:\r\n){2,}/)
    .map((text) => readHeaderSection(Buffer.from(`${text}\r\n`, 'latin1')))
    .filter((fields) => headerValue(fields, 'final-recipient') !== undefined);
  const named = blocks.find((fields) =>
    ['final-recipient', 'original-recipient'].some(
      (name) => addressIn(headerValue(fields, name)) === address.toLowerCase(),
    ),
  );
  return named ?? (blocks.length === 1 ? blocks[0] : undefined);
}

/** `rfc822; ann@example.com`, also in angle brackets. */
function addressIn(value: string | undefined): string | undefined {
  return value
    ?.replace(/^[^;]*;\s*/, '')
    .replaceAll(/[<>]/g, '')
    .trim()
    .toLowerCase();
}

function ofBlock(fields: Fields): BounceReport {
  const words = shortened(headerValue(fields, 'diagnostic-code')?.replace(/^[\w-]+;\s*/, '') ?? '');
  const status = codeIn(headerValue(fields, 'status') ?? '');
  // A gateway's own code is often X.0.0, and the one of the server behind it stands in the diagnostic.
  const code = status === undefined || status.endsWith('.0.0') ? (codeIn(words) ?? status) : status;
  const isDelay = /^(?:delayed|relayed|expanded|delivered)\b/i.test(headerValue(fields, 'action') ?? '');
  return isDelay ? { code, class: 'delay', words } : { ...classify({ code, words }), words };
}

function plainText(parts: readonly MimePart[]): string {
  const text = parts.find(({ type }) => type === 'text/plain');
  return text?.octets.subarray(0, mostText).toString('utf8') ?? '';
}

/** From the first line on that looks like a reply of an SMTP server: what stands before is often the poetry of the reporting one. */
function firstReply(text: string): string {
  const at = text.search(/\b5\d\d[ -]|\b5\.\d{1,3}\.\d{1,3}\b/);
  return at < 0 ? text : text.slice(at);
}

function shortened(words: string): string {
  return words.replaceAll(/\s+/g, ' ').trim().slice(0, mostWords);
}

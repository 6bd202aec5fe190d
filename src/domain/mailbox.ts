import { isDomainName } from './address.ts';

/** A person or list with an address (RFC 5322 §3.4). */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

const atext = String.raw`[A-Za-z0-9!#$%&'*+/=?^_\x60{|}~-]+`;
const dotAtom = new RegExp(`^${atext}(?:\\.${atext})*$`);

/** An address that Postal and every SMTP server take: dot-atom, domain name, RFC 5321 §4.5.3.1 lengths, ASCII only. */
export function isAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  return (
    text.length <= 254 &&
    at > 0 &&
    at <= 64 &&
    dotAtom.test(text.slice(0, at)) &&
    isDomainName(text.slice(at + 1))
  );
}

/** Reads `ann@example.com`, `Ann <ann@example.com>` or `"Ann, Ltd" <ann@example.com>`; undefined when it is none. */
export function parseMailbox(text: string): Mailbox | undefined {
  const bare = text.trim();
  if (isAddress(bare)) return { name: '', address: bare };
  const match = /^(?:"((?:[^"\\]|\\.)*)"|([^<>"]*))\s*<([^<>\s]+)>$/.exec(bare);
  if (!match || !isAddress(match[3] ?? '')) return undefined;
  const name = match[1]?.replaceAll(/\\(.)/g, '$1') ?? match[2]?.trim() ?? '';
  return { name, address: match[3] ?? '' };
}

/** True for text with a character that could end a header line or a C string: CR, LF, NUL and the other controls. */
export function hasControls(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- finding control characters is the purpose
  return /[\u0000-\u0008\u000A-\u001F\u007F]/.test(text);
}

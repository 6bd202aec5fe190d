const cr = 13;
const lf = 10;

/** The first command line of what has arrived, or what is wrong with it; what follows it begins at `to`. */
export type LineStep =
  | { readonly state: 'more' }
  | { readonly state: 'line'; readonly line: string; readonly to: number }
  | { readonly state: 'long' | 'bare'; readonly to: number };

const more: LineStep = { state: 'more' };

/**
 * Reads the command line that begins at `from` (RFC 5321 §2.3.8): CRLF ends it, CR or LF on its own is `bare`, more than `maxBytes`
 * is `long`. Latin-1, so that every octet survives as one character.
 */
export function readLine(octets: Buffer, from: number, maxBytes: number): LineStep {
  const end = octets.indexOf(lf, from);
  if (end < 0) return more;
  const to = end + 1;
  if (to - from > maxBytes) return { state: 'long', to };
  if (end === from || octets[end - 1] !== cr) return { state: 'bare', to };
  const line = octets.toString('latin1', from, end - 1);
  return line.includes('\r') ? { state: 'bare', to } : { state: 'line', line, to };
}

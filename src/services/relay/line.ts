const cr = 13;
const lf = 10;

/** The first command line of what has arrived, or what is wrong with it; `rest` follows it. */
export type LineStep =
  | { readonly state: 'more' }
  | { readonly state: 'line'; readonly line: string; readonly rest: Buffer }
  | { readonly state: 'long' | 'bare'; readonly rest: Buffer };

/**
 * Takes a command line off the octets (RFC 5321 §2.3.8): CRLF ends it, CR or LF on its own is `bare`, more than `maxBytes`
 * is `long`. Latin-1, so that every octet survives as one character.
 */
export function readLine(octets: Buffer, maxBytes: number): LineStep {
  const end = octets.indexOf(lf);
  if (end < 0) return { state: 'more' };
  const rest = octets.subarray(end + 1);
  if (end + 1 > maxBytes) return { state: 'long', rest };
  if (end === 0 || octets.indexOf(cr) !== end - 1) return { state: 'bare', rest };
  return { state: 'line', line: octets.toString('latin1', 0, end - 1), rest };
}

const alphabet = Buffer.from('0123456789abcdefghjkmnpqrstvwxyz');

/** What an id names; the prefix stands in front of the underscore. */
export type IdKind = 'msg' | 'evt' | 'req' | 'ses' | 'whe' | 'whd' | 'usr' | 'run' | 'att' | 'mk' | 'key';

export type Id<K extends IdKind = IdKind> = `${K}_${string}`;

/** 80 random bits behind 48 bits of milliseconds, base32: ids sort by time and reveal no count. */
export function newId<K extends IdKind>(kind: K, at: Date, random: Uint8Array): Id<K> {
  const bytes = new Uint8Array(16);
  let ms = at.getTime();
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes.set(random.subarray(0, 10), 6);
  return `${kind}_${base32(bytes)}`;
}

/** The least id of a millisecond: all ids made from then on are not below it. */
export function leastId<K extends IdKind>(kind: K, at: Date): Id<K> {
  return newId(kind, at, new Uint8Array(10));
}

/** True for the text of an id of this kind, whoever made it. */
export function isId<K extends IdKind>(kind: K, text: string): text is Id<K> {
  return text.startsWith(`${kind}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(kind.length + 1));
}

/** 128 bits as 26 letters, most significant first, behind two zero bits. */
function base32(bytes: Uint8Array): string {
  const text = Buffer.allocUnsafe(26);
  let filled = 0;
  let pending = 0;
  let bits = 2;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 5;) {
      bits -= 5;
      text[filled] = alphabet[(pending >> bits) & 31] ?? 0;
      filled += 1;
    }
    pending &= (1 << bits) - 1;
  }
  return text.toString('latin1');
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** What an id names; the prefix stands in front of the underscore. */
export type IdKind = 'msg' | 'evt' | 'req' | 'ses' | 'whe' | 'whd' | 'usr' | 'run' | 'att' | 'mk';

export type Id<K extends IdKind = IdKind> = `${K}_${string}`;

/** 80 random bits behind 48 bits of milliseconds, base32: ids sort by time and reveal no count. */
export function newId<K extends IdKind>(kind: K, at: Date, random: Uint8Array): Id<K> {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(at.getTime()) << 16n);
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

function base32(bytes: Uint8Array): string {
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const letters: string[] = [];
  for (let place = 0; place < 26; place += 1) {
    letters.unshift(alphabet.charAt(Number(number & 31n)));
    number >>= 5n;
  }
  return letters.join('');
}

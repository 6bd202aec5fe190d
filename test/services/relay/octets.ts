/** The octets in pieces that begin at these places. */
export function cutAt(octets: Buffer, places: readonly number[]): readonly Buffer[] {
  const sorted = [0, ...places.filter((place) => place < octets.length), octets.length].toSorted(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, n) => Buffer.from(octets.subarray(sorted[n], end)));
}

/** A message as a client sends it after DATA (RFC 5321 §4.5.2). */
export function stuffed(message: Buffer): Buffer {
  return Buffer.from(`${message.toString('latin1').replaceAll(/(^|\r\n)\./g, '$1..')}.\r\n`, 'latin1');
}

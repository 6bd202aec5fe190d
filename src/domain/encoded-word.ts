/** The text of a header value with its encoded words (RFC 2047) decoded. What cannot be decoded stays as it was written. */
export function decodeWords(value: string): string {
  return value
    .replaceAll(/(=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=)\s+(?==\?[^?\s]+\?[BbQq]\?)/g, '$1')
    .replaceAll(
      /=\?([^?\s*]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=/g,
      (word, charset: string, encoding: string, text: string) =>
        decoded(charset, encoding.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : quoted(text)) ?? word,
    );
}

function quoted(text: string): Uint8Array {
  const latin = text
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin, 'latin1');
}

function decoded(charset: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A charset that this runtime does not know.
    return undefined;
  }
}

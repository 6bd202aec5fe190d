/** A log that is not followed comes as one piece: frames of a stream's number, three zeros, the length, and the bytes. */
export function withoutFrames(whole: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= whole.length;) {
    const length = whole.readUInt32BE(at + 4);
    parts.push(whole.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts);
}

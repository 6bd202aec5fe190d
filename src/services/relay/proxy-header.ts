import { isIP } from 'node:net';

/** What a proxy says of the client it speaks for; without an address it speaks for itself (a health check). */
export type ProxyHeader =
  | { readonly state: 'more' }
  | { readonly state: 'bad' }
  | { readonly state: 'read'; readonly address: string | undefined; readonly rest: Buffer };

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const fixedBytes = 16;
const longestText = 107;
const longestBinary = 2048;

/** Reads the header of the PROXY protocol, version 1 or 2, that must stand before everything else (haproxy's proxy-protocol.txt §2). */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  const known = Math.min(octets.length, signature.length);
  if (octets.subarray(0, known).equals(signature.subarray(0, known))) return readBinary(octets);
  return readText(octets);
}

function readText(octets: Buffer): ProxyHeader {
  const line = octets.subarray(0, longestText).toString('latin1');
  const end = line.indexOf('\r\n');
  if (end < 0) return octets.length < longestText && isBeginning(line) ? { state: 'more' } : { state: 'bad' };
  const rest = octets.subarray(end + 2);
  if (/^PROXY UNKNOWN( |$)/.test(line.slice(0, end))) return { state: 'read', address: undefined, rest };
  const match = /^PROXY TCP([46]) (\S+) \S+ \d{1,5} \d{1,5}$/.exec(line.slice(0, end));
  const address = match?.[2] ?? '';
  return match && isIP(address) === Number(match[1]) ? { state: 'read', address, rest } : { state: 'bad' };
}

function isBeginning(line: string): boolean {
  return line.slice(0, 6) === 'PROXY '.slice(0, line.length);
}

function readBinary(octets: Buffer): ProxyHeader {
  if (octets.length < fixedBytes) return { state: 'more' };
  const length = octets.readUInt16BE(14);
  const [command = 0, family = 0] = octets.subarray(12);
  if (length > longestBinary || (command !== 0x20 && command !== 0x21)) return { state: 'bad' };
  if (octets.length < fixedBytes + length) return { state: 'more' };
  const rest = octets.subarray(fixedBytes + length);
  if (command === 0x20) return { state: 'read', address: undefined, rest };
  const address = addressIn(octets.subarray(fixedBytes, fixedBytes + length), family);
  return address === undefined ? { state: 'bad' } : { state: 'read', address, rest };
}

/** TCP over IPv4 is 0x11, over IPv6 0x21; nobody submits mail over anything else. */
function addressIn(body: Buffer, family: number): string | undefined {
  if (family === 0x11 && body.length >= 12) return body.subarray(0, 4).join('.');
  if (family !== 0x21 || body.length < 36) return undefined;
  return Array.from({ length: 8 }, (_, n) => body.readUInt16BE(n * 2).toString(16)).join(':');
}

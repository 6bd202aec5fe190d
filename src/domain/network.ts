import { isIPv4, isIPv6 } from 'node:net';

/**
 * The network that limits count a client by: an IPv4 address itself, and the /64 of an IPv6 one, because that is what a single
 * customer is given (RFC 6177). An IPv4 address written as IPv6 counts as IPv4.
 */
export function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  if (isIPv4(mapped)) return mapped;
  return isIPv6(mapped) ? `${groups(mapped).slice(0, 4).join(':')}::/64` : 'unknown';
}

function groups(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: missing }, () => '0'), ...right].map((group) =>
    group.toLowerCase().replace(/^0+(?=.)/, ''),
  );
}

import { BlockList, isIP } from 'node:net';

/** Decides whether a connection may be made to an IP address. */
export type AddressPolicy = (address: string) => boolean;

const notPublic4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
const global6 = ['2000::/3'];
const notPublic6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const special4 = blockList(notPublic4);
const unicast6 = blockList(global6);
const special6 = blockList(notPublic6);

/** True for a unicast address that the whole Internet can reach, by the IANA special-purpose registries (RFC 6890). */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special4.check(address, 'ipv4');
  return family === 6 && unicast6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

/** True for `10.0.0.0/8`, `fd00::/8` or a bare address. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)];
  if (most === undefined || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
}

/** Public addresses, and those inside `allowed` (CIDR). An IPv4 address written as IPv6 counts as what it is. */
export function publicOr(allowed: readonly string[]): AddressPolicy {
  const exceptions = blockList(allowed);
  return (address) => {
    const plain = unmapped(address);
    return isPublicAddress(plain) || exceptions.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Addresses inside any of these networks (CIDR). An IPv4 address written as IPv6 counts as what it is. */
export function withinAny(networks: readonly string[]): AddressPolicy {
  if (networks.length === 0) return () => false;
  const inside = blockList(networks);
  return (address) => {
    const plain = unmapped(address);
    return isIP(plain) !== 0 && inside.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  };
}

function unmapped(address: string): string {
  const bare = address.replace(/%.*$/, '');
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
}

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const six = isIP(address) === 6;
    list.addSubnet(address, Number(bits ?? (six ? 128 : 32)), six ? 'ipv6' : 'ipv4');
  }
  return list;
}

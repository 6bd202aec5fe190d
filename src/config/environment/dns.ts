import { addresses, count, flag, hostAndPort, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'DNS';
const readBy = ['operator'] as const;

/** The world's view of this platform, and how it is asked. */
export const dns = {
  PUBLIC_ADDRESSES: variable(addresses, {
    section,
    readBy,
    means:
      'Addresses (IPv4, IPv6) under which the world sees this host, for its records and SPF; without it any address counts as right',
    fallback: '',
  }),
  DNS_RESOLVER: variable(hostAndPort, {
    section,
    readBy,
    means: 'Resolver that finds the name servers of a domain, IP:PORT; without it those of this host',
    optional: true,
  }),
  DNS_AUTHORITATIVE: variable(flag, {
    section,
    readBy,
    means: "true asks the domain's own name servers, as Postal does; false takes the resolver's word",
    fallback: 'true',
  }),
  DNS_PORT: variable(count(1, 65_535), {
    section,
    readBy,
    means: "Port of the domain's own name servers",
    fallback: '53',
  }),
  DNS_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one question to one name server may take',
    fallback: '3s',
  }),
  DNS_TRIES: variable(count(1, 10), {
    section,
    readBy,
    means: 'How often a name server that does not answer is asked',
    fallback: '2',
  }),
};

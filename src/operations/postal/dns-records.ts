import { isIPv6 } from 'node:net';

import type { ConfigOf } from '../../config/environment.ts';
import { hasSink } from '../../config/profiles.ts';
import type { DnsRecord } from '../../domain/dns-record.ts';

/** What the names of the platform's own records follow from. */
export interface PlatformNames {
  /** Postal's host: web, SMTP, MX, HELO and PTR. */
  readonly postalHost: string;
  readonly relayHost: string;
  readonly apiHost: string;
  /** Under which the world sees this host; without any, each address record takes any address. */
  readonly addresses: readonly string[];
  /** Public half of Postal's signing key, PEM: it also signs mail of domains without a key of their own. */
  readonly signingPublicKey: string | undefined;
}

/** What Postal knows of one sending domain. */
export interface SendingDomain {
  readonly name: string;
  readonly verification: string;
  readonly dkimName: string;
  readonly dkim: string;
  /** First label of the tracking host; undefined where nothing is tracked. */
  readonly trackName: string | undefined;
}

/** Names below Postal's host, as its configuration and every record use them. */
export function postalNames(postalHost: string) {
  return {
    spf: `spf.${postalHost}`,
    returnPath: `rp.${postalHost}`,
    routes: `routes.${postalHost}`,
    track: `track.${postalHost}`,
  } as const;
}

type Named = Pick<
  ConfigOf<'operator'>,
  'POSTAL_HOSTNAME' | 'RELAY_HOSTNAME' | 'API_URL' | 'PUBLIC_ADDRESSES' | 'STACK_PROFILES' | 'SINK_ADDRESS'
>;

/** The names that the configuration gives. To a world that is the sink, this host is the sink too. */
export function platformNames(config: Named, signingPublicKey: string | undefined): PlatformNames {
  return {
    postalHost: config.POSTAL_HOSTNAME,
    relayHost: config.RELAY_HOSTNAME.toLowerCase(),
    apiHost: new URL(config.API_URL).hostname,
    addresses: hasSink(config) ? [config.SINK_ADDRESS] : config.PUBLIC_ADDRESSES,
    signingPublicKey,
  };
}

/** The text that publishes an RSA key, exactly as Postal compares it (RFC 6376 §3.6.1). */
function dkimText(publicKeyPem: string): string {
  return `v=DKIM1; t=s; h=sha256; p=${publicKeyPem.replaceAll(/-+[A-Z ]+-+|\s/g, '')};`;
}

/** Records of the platform itself: its hosts, SPF of the addresses it sends from, bounces and the way back from an address. */
export function platformRecords(names: PlatformNames): readonly DnsRecord[] {
  const { postalHost, addresses } = names;
  const { returnPath, track } = postalNames(postalHost);
  const hosts = new Set([postalHost, names.relayHost, names.apiHost, returnPath, track]);
  return [
    ...[...hosts].flatMap((host) => addressRecords(host, addresses)),
    ...envelopeRecords(names),
    ...addresses.map((address) => reverseRecord(address, postalHost)),
  ];
}

/** What the envelope sender needs: SPF, DKIM of last resort, and the way back for bounces and for mail to routes. */
function envelopeRecords({ postalHost, addresses, signingPublicKey: key }: PlatformNames): DnsRecord[] {
  const { spf, returnPath, routes } = postalNames(postalHost);
  const sources = addresses.map((address) => `${isIPv6(address) ? 'ip6' : 'ip4'}:${address}`);
  const policy = ['v=spf1', ...(sources.length > 0 ? sources : [`a:${postalHost}`]), '~all'].join(' ');
  return [
    { type: 'TXT', name: spf, value: policy, why: 'addresses that mail comes from' },
    { type: 'MX', name: returnPath, value: `10 ${postalHost}`, why: 'bounces come back here' },
    spfRecord(returnPath, spf, 'SPF of the envelope sender'),
    ...(key === undefined ? [] : [lastResortKey(returnPath, key)]),
    {
      type: 'MX',
      name: routes,
      value: `10 ${postalHost}`,
      why: "mail to Postal's routes, such as e2e's probe",
    },
  ];
}

/** The record of the signing key, with which mail of domains without a key of their own is signed. */
export function signingRecord({ postalHost, signingPublicKey }: PlatformNames): DnsRecord {
  return lastResortKey(postalNames(postalHost).returnPath, signingPublicKey ?? '');
}

function lastResortKey(returnPath: string, key: string): DnsRecord {
  const why = 'signs mail of domains whose own key is not published yet';
  return { type: 'TXT', name: `postal._domainkey.${returnPath}`, value: dkimText(key), why };
}

function reverseRecord(address: string, value: string): DnsRecord {
  const why = 'set by whoever gave you the address; must be the name that Postal says in HELO';
  return { type: 'PTR', name: reverseName(address), value, why };
}

function spfRecord(name: string, spf: string, why: string): DnsRecord {
  return { type: 'TXT', name, value: `v=spf1 a mx include:${spf} ~all`, holds: `include:${spf}`, why };
}

/** Records of one sending domain. */
export function domainRecords(
  { postalHost }: Pick<PlatformNames, 'postalHost'>,
  { name, verification, dkimName, dkim, trackName }: SendingDomain,
): readonly DnsRecord[] {
  const { spf, returnPath, track } = postalNames(postalHost);
  return [
    optional(
      'TXT',
      name,
      verification,
      'shows Postal that the domain is yours; mailctl vouches for it already',
    ),
    spfRecord(name, spf, 'SPF'),
    { type: 'TXT', name: dkimName, value: dkim, why: 'DKIM; Postal signs with it once it finds the record' },
    {
      type: 'CNAME',
      name: `psrp.${name}`,
      value: returnPath,
      why: 'envelope sender in this domain: SPF aligns',
    },
    ...(trackName === undefined ? [] : [trackingRecord(`${trackName}.${name}`, track)]),
    dmarcRecord(name),
    optional('MX', name, `10 ${postalHost}`, 'only if Postal is to receive mail for the domain'),
  ];
}

function optional(type: 'TXT' | 'MX', name: string, value: string, why: string): DnsRecord {
  return { type, name, value, why, optional: true };
}

function trackingRecord(name: string, value: string): DnsRecord {
  return { type: 'CNAME', name, value, why: 'opens and clicks; without it tracking stops within the hour' };
}

/** Any policy is right; this one only asks for reports (RFC 7489 §6.3). */
function dmarcRecord(domain: string): DnsRecord {
  const value = `v=DMARC1; p=none; rua=mailto:postmaster@${domain}`;
  return {
    ...optional('TXT', `_dmarc.${domain}`, value, 'DMARC: a first policy that only reports'),
    holds: 'v=DMARC1',
  };
}

function addressRecords(name: string, addresses: readonly string[]): readonly DnsRecord[] {
  const why = 'host of the platform';
  if (addresses.length === 0) return [{ type: 'A', name, value: anyAddress, why }];
  return addresses.map((address) => ({ type: isIPv6(address) ? 'AAAA' : 'A', name, value: address, why }));
}

/** Stands where PUBLIC_ADDRESSES does not say which address it must be. */
export const anyAddress = 'the address of this host';

/** The name that a PTR record of the address has (RFC 1035 §3.5, RFC 3596 §2.5). */
function reverseName(address: string): string {
  if (!isIPv6(address)) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  return `${[...fullIpv6(address)].toReversed().join('.')}.ip6.arpa`;
}

/** The 32 hexadecimal digits of an IPv6 address. */
function fullIpv6(address: string): string {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [front, back] = [groupsOf(head), groupsOf(tail)];
  return [...front, ...Array<string>(8 - front.length - back.length).fill('0000'), ...back].join('');
}

function groupsOf(text: string): readonly string[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .map((group) => group.padStart(4, '0'));
}

import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';

import type { RecordType } from '../domain/dns-record.ts';

/** What one server says of a name. `values` is empty where it has no such record. */
export interface DnsAnswer {
  readonly server: string;
  readonly values: readonly string[];
}

/** The DNS as the world sees it. */
export interface Dns {
  /**
   * What each of the zone's own name servers says (RFC 1034 §4.2), or the resolver alone. Texts are joined (RFC 7208 §3.3),
   * names without a dot at the end. Throws `DnsSilence` when not one of them answers.
   */
  ask(name: string, type: RecordType): Promise<readonly DnsAnswer[]>;
}

/** No server answered, and in what way. */
export class DnsSilence extends Error {}

export interface DnsOptions {
  /** `IP:PORT`; undefined takes those of this host. */
  readonly resolver: string | undefined;
  readonly authoritative: boolean;
  readonly port: number;
  readonly timeoutMs: number;
  readonly tries: number;
}

/** Asks the real DNS; name servers of a zone are looked up once. */
export function openDns(options: DnsOptions): Dns {
  const resolver = resolverOf(options, options.resolver === undefined ? undefined : [options.resolver]);
  const zones = new Map<string, Promise<readonly Server[]>>();
  const serversOf = (zone: string) => {
    const known = zones.get(zone) ?? nameServers(resolver, zone, options);
    zones.set(zone, known);
    return known;
  };
  return {
    ask: async (name, type) => {
      const servers = options.authoritative ? await serversOf(zoneHint(name, type)) : [];
      const asked = servers.length > 0 ? servers : [{ name: 'resolver', resolver }];
      const answers = await Promise.allSettled(
        asked.map(async (server) => ({
          server: server.name,
          values: await look(server.resolver, name, type),
        })),
      );
      const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      if (given.length > 0) return given;
      throw new DnsSilence(
        asked.map((server, index) => `${server.name}: ${reasonOf(answers[index])}`).join('; '),
      );
    },
  };
}

interface Server {
  readonly name: string;
  readonly resolver: Resolver;
}

function resolverOf({ timeoutMs, tries }: DnsOptions, servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  if (servers) resolver.setServers(servers);
  return resolver;
}

/** A name that is an alias has no servers of its own: those of the zone above it answer for it. */
function zoneHint(name: string, type: RecordType): string {
  return type === 'CNAME' ? name.slice(name.indexOf('.') + 1) : name;
}

/** The servers of the closest zone at or above the name; none where the resolver knows none. */
async function nameServers(
  resolver: Resolver,
  name: string,
  options: DnsOptions,
): Promise<readonly Server[]> {
  const labels = name.split('.');
  for (const [index] of labels.slice(0, -1).entries()) {
    const names = await values(() => resolver.resolveNs(labels.slice(index).join('.')));
    if (names.length > 0) return Promise.all(names.map((server) => serverAt(resolver, server, options)));
  }
  return [];
}

async function serverAt(resolver: Resolver, name: string, options: DnsOptions): Promise<Server> {
  const [v4, v6] = await Promise.all([
    values(() => resolver.resolve4(name)),
    values(() => resolver.resolve6(name)),
  ]);
  const addresses = [...v4, ...v6];
  if (addresses.length === 0) throw new DnsSilence(`the name server ${name} has no address`);
  const places = addresses.map((address) => `${isIPv6(address) ? `[${address}]` : address}:${options.port}`);
  return { name, resolver: resolverOf(options, places) };
}

async function look(resolver: Resolver, name: string, type: RecordType): Promise<readonly string[]> {
  switch (type) {
    case 'A':
      return values(() => resolver.resolve4(name));
    case 'AAAA':
      return values(() => resolver.resolve6(name));
    case 'CNAME':
      return values(() => resolver.resolveCname(name));
    case 'PTR':
      return values(() => resolver.resolvePtr(name));
    case 'TXT':
      return (await values(() => resolver.resolveTxt(name))).map((parts) => parts.join(''));
    case 'MX':
      return (await values(() => resolver.resolveMx(name))).map(
        ({ priority, exchange }) => `${priority} ${exchange}`,
      );
  }
}

/** That a name or record does not exist is an answer; everything else is none. */
async function values<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOTFOUND', 'ENODATA'].includes(String(error.code)))
      return [];
    throw error;
  }
}

const words: Readonly<Record<string, string>> = {
  ETIMEOUT: 'no answer in time',
  ECONNREFUSED: 'refuses connections',
  ESERVFAIL: 'failed (SERVFAIL)',
  EREFUSED: 'refuses to answer',
};

function reasonOf(answer: PromiseSettledResult<unknown> | undefined): string {
  const reason: unknown = answer?.status === 'rejected' ? answer.reason : undefined;
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : '';
  return words[code] ?? (reason instanceof Error ? reason.message : 'no answer');
}

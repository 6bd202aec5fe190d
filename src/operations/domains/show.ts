import { join } from 'node:path';

import type { DnsRecord } from '../../domain/dns-record.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { lookAtPostal } from '../postal/apply.ts';
import { domainRecords, platformNames, platformRecords, type SendingDomain } from '../postal/dns-records.ts';
import type { PostalDomain } from '../postal/state.ts';
import { allRight, type CheckedRecord, checkRecord, unchecked } from './check.ts';

/** A sending domain, or the platform itself, with its records. `ok` is null where nobody looked. */
export interface ShownDomain {
  readonly name: string;
  readonly ok: boolean | null;
  readonly records: readonly CheckedRecord[];
}

interface Zone {
  readonly name: string;
  readonly records: readonly DnsRecord[];
}

/** Every record that must be created: first the platform's own, then those of each domain. `only` names one of them. */
async function zonesOf(world: Runtime, only?: string): Promise<readonly Zone[]> {
  const config = await world.config('operator');
  const publicKey = await world.files.readOwn(join(world.dir, 'secrets/postal-signing.pub'));
  const names = platformNames(config, publicKey);
  const { state } = await lookAtPostal(world);
  const zones = [
    { name: names.postalHost, records: platformRecords(names) },
    ...state.domains.map((domain) => ({
      name: domain.name,
      records: domainRecords(names, sendingDomain(domain)),
    })),
  ];
  const wanted = only?.toLowerCase();
  if (wanted === undefined) return zones;
  const zone = zones.find(({ name }) => name === wanted);
  if (zone) return [zone];
  throw new OperatorError('usage', `Postal has no domain ${wanted}`, {
    hint: `See which it has: mailctl domains list; add it: mailctl domains add ${wanted}`,
    field: 'domain',
  });
}

function sendingDomain({
  name,
  verification,
  dkim_name: dkimName,
  dkim,
  tracking,
}: PostalDomain): SendingDomain {
  return { name, verification, dkimName, dkim: dkim ?? '', trackName: tracking?.name };
}

/** All records of the platform and its domains: what the sink's name server answers with. */
export async function sendingRecords(world: Runtime): Promise<readonly DnsRecord[]> {
  return (await zonesOf(world)).flatMap(({ records }) => records);
}

/** The records, not looked for. */
export async function showRecords(
  world: Runtime,
  only?: string,
): Promise<{ readonly domains: readonly ShownDomain[] }> {
  const zones = await zonesOf(world, only);
  return { domains: zones.map(({ name, records }) => ({ name, ok: null, records: records.map(unchecked) })) };
}

/** The records as the world sees them. Throws `check-failed`, with the data, when one that mail needs is wrong. */
export async function checkDomains(
  world: Runtime,
  only?: string,
): Promise<{ readonly domains: readonly ShownDomain[] }> {
  const zones = await zonesOf(world, only);
  const dns = await world.dns();
  const domains = await Promise.all(
    zones.map(async ({ name, records }) => {
      const checked = await Promise.all(records.map((record) => checkRecord(dns, record)));
      return { name, ok: allRight(checked), records: checked };
    }),
  );
  const wrong = domains.filter(({ ok }) => !ok).map(({ name }) => name);
  if (wrong.length === 0) return { domains };
  throw new OperatorError('check-failed', `records are missing or wrong: ${wrong.join(', ')}`, {
    hint: 'Create them with whoever serves the domain: mailctl domains records --format bind',
    data: { domains },
  });
}

/** The domains as Postal sees them: it looks at the DNS every hour. */
export async function listDomains(world: Runtime): Promise<{ readonly domains: readonly ShownDomain[] }> {
  const { state } = await lookAtPostal(world);
  return { domains: state.domains.map(asPostalSees) };
}

function asPostalSees(domain: PostalDomain): ShownDomain {
  const { name, dkim_name: dkimName, dns, tracking } = domain;
  const records = [
    seenByPostal('TXT', name, dns.spf),
    seenByPostal('TXT', dkimName, dns.dkim),
    seenByPostal('CNAME', `psrp.${name}`, dns.return_path),
    ...(tracking ? [seenByPostal('CNAME', `${tracking.name}.${name}`, tracking)] : []),
  ];
  const known = records.every(({ ok }) => ok !== null);
  return { name, ok: known ? allRight(records) : null, records };
}

function seenByPostal(type: string, name: string, { status, error }: Seen): CheckedRecord {
  const ok = status === null ? null : status === 'OK';
  return {
    type,
    name,
    expected: 'OK',
    seen: error ?? status,
    ok,
    optional: false,
    why: 'as Postal saw it last',
  };
}

type Seen = PostalDomain['dns']['spf'];

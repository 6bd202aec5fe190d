import { X509Certificate } from 'node:crypto';

import type { ConfigOf } from '../../config/environment.ts';
import type { Listen } from '../../config/shapes.ts';
import { OperatorError } from '../../domain/failure.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { Runtime } from '../../runtime.ts';
import { readChains } from './certificate-files.ts';

/** One certificate: what its file says, and what is really served. Serial numbers in hexadecimal. */
export interface ShownCertificate {
  readonly names: readonly string[];
  readonly expires_at: string;
  readonly serial_file: string;
  /** Of the first port that differs, else what all serve; null where a port serves nothing, or none is known. */
  readonly serial_served: string | null;
  /** True for the placeholder that is served until the first real one is there. */
  readonly self_signed: boolean;
  readonly ports: readonly {
    readonly address: string;
    readonly serial: string | null;
    readonly why?: string;
  }[];
}

export interface CertificateReport {
  readonly certificates: readonly ShownCertificate[];
}

type Look = Pick<Runtime, 'dir' | 'config' | 'docker' | 'dialCertificate'>;

/** Every certificate with what each of its ports serves. */
export async function showCertificates(world: Look): Promise<CertificateReport> {
  const config = await world.config('operator');
  const chains = [...(await readChains(world))].toSorted(([one], [other]) => one.localeCompare(other));
  return {
    certificates: await Promise.all(chains.map(([name, chain]) => showOne(world, config, { name, chain }))),
  };
}

async function showOne(
  world: Look,
  config: ConfigOf<'operator'>,
  { name, chain }: { readonly name: string; readonly chain: string },
): Promise<ShownCertificate> {
  const certificate = parse(name, chain);
  const ports = await Promise.all(
    portsOf(config, name).map(async ({ begins, at }) => {
      const seen = await world.dialCertificate({
        host: at.host,
        port: at.port,
        serverName: name,
        begins,
        withinMs: config.CERT_DIAL_TIMEOUT,
      });
      const address = `${at.host}:${at.port}`;
      return 'serial' in seen ? { address, serial: seen.serial } : { address, serial: null, why: seen.why };
    }),
  );
  const odd = ports.find(({ serial }) => serial !== certificate.serialNumber) ?? ports[0];
  return {
    names: namesOf(certificate),
    expires_at: new Date(certificate.validTo).toISOString(),
    serial_file: certificate.serialNumber,
    serial_served: odd?.serial ?? null,
    self_signed: certificate.issuer === certificate.subject,
    ports,
  };
}

function parse(name: string, chain: string): X509Certificate {
  try {
    return new X509Certificate(chain);
  } catch (cause) {
    throw new OperatorError('check-failed', `what is kept as the certificate of ${name} is none`, {
      hint: 'Get a new one: mailctl cert issue',
      cause,
    });
  }
}

function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName.split(', ').map((entry) => entry.replace(/^(DNS|IP Address):/, ''));
}

type Dialled = Listen | 'published' | undefined;

interface Port {
  readonly begins: 'tls' | 'starttls';
  readonly at: Listen;
}

/** Where a name's certificate is served: the relay's at its own ports, all others by nginx, Postal's by its SMTP server too. */
function portsOf(config: ConfigOf<'operator'>, name: string): readonly Port[] {
  const port = (begins: Port['begins'], asked: Dialled, published: number) => {
    const at = asked === 'published' ? { host: publishedHost(config), port: published } : asked;
    return at ? [{ begins, at }] : [];
  };
  const { CERT_SMTPS_ADDRESS: implicit, CERT_SUBMISSION_ADDRESS: submission } = config;
  const relay = [
    ...port('tls', config.RELAY_TLS_LISTEN && implicit, config.PUBLISH_SUBMISSIONS),
    ...port('starttls', config.RELAY_SUBMISSION_LISTEN && submission, config.PUBLISH_SUBMISSION),
  ];
  const postal = port(
    'starttls',
    config.POSTAL_SMTP_TLS ? config.CERT_SMTP_ADDRESS : undefined,
    config.PUBLISH_SMTP,
  );
  const isWeb = name !== config.RELAY_HOSTNAME || name === config.POSTAL_HOSTNAME;
  return [
    ...(name === config.RELAY_HOSTNAME ? relay : []),
    ...(isWeb ? port('tls', config.CERT_HTTPS_ADDRESS, config.PUBLISH_HTTPS) : []),
    ...(name === config.POSTAL_HOSTNAME ? postal : []),
  ];
}

/** The host's own way to a port that is open on every address of it. */
function publishedHost({ PUBLISH_ADDRESS: host }: ConfigOf<'operator'>): string {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
}

/** True where every port serves what the file holds. */
export function isServed({ serial_file: wanted, ports }: ShownCertificate): boolean {
  return ports.every(({ serial }) => serial === wanted);
}

/** A line for each port that does not serve what the file holds. */
export function differencesOf({ certificates }: CertificateReport): readonly string[] {
  return certificates.flatMap(({ names, serial_file: wanted, ports }) =>
    ports
      .filter(({ serial }) => serial !== wanted)
      .map(({ address, serial, why }) => `${address} serves ${serial ?? `nothing (${why})`} for ${names[0]}`),
  );
}

/** Throws `check-failed`, with the report as data, unless every port serves what the file holds. */
export function refuseDifference(report: CertificateReport): void {
  const lines = differencesOf(report);
  if (lines.length === 0) return;
  throw new OperatorError(
    'check-failed',
    `not every certificate is the one served:\n  ${lines.join('\n  ')}`,
    {
      hint: 'Have them loaded: mailctl cert renew; what a service says: mailctl logs nginx relay postal-smtp',
      data: report,
    },
  );
}

/** What is to be said of certificates that end soon, that ended, or that nobody signed yet. */
export function warningsOf(
  { certificates }: CertificateReport,
  { CERT_WARN_BEFORE: steps, TLS_SOURCE }: Pick<ConfigOf<'operator'>, 'CERT_WARN_BEFORE' | 'TLS_SOURCE'>,
  now: Date,
): readonly string[] {
  return certificates.flatMap(({ names, expires_at, self_signed }) => {
    const [name = ''] = names;
    const leftMs = Date.parse(expires_at) - now.getTime();
    const passed = steps.filter((step) => leftMs <= step).toSorted((one, other) => one - other)[0];
    const unsigned = self_signed && TLS_SOURCE === 'acme';
    if (unsigned) return [`${name} has a placeholder: no certificate was issued yet (mailctl cert issue)`];
    if (leftMs <= 0) return [`the certificate of ${name} ENDED at ${expires_at}`];
    if (passed === undefined) return [];
    return [`the certificate of ${name} ends within ${formatDuration(passed)}, at ${expires_at}`];
  });
}

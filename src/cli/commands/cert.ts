import type { Command } from 'commander';

import { planPlaceholders } from '../../operations/tls/prepare.ts';
import { planRenewal } from '../../operations/tls/renew.ts';
import {
  type CertificateReport,
  isServed,
  refuseDifference,
  showCertificates,
  type ShownCertificate,
  warningsOf,
} from '../../operations/tls/show.ts';
import { acts, type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

const names = ['[name...]', 'names of the platform; all when none is given'] as const;

/** `mailctl cert status|issue|renew`, and `prepare` for the stack itself. */
export function defineCert(command: Command, session: Session): void {
  command
    .command('status')
    .description('Compare the certificate of each name with what its ports serve.')
    .action(looks(session, status, asText));
  command
    .command('issue')
    .description('Get the certificates that are missing or due, and see that they are served.')
    .argument(...names)
    .action(acts(session, issue, asText));
  command
    .command('renew')
    .description('Renew the certificates that are due, have them loaded, and see that they are served.')
    .argument(...names)
    .option('--force', 'also those that are good for long yet')
    .action(acts(session, renew, asText));
  command
    .command('prepare', { hidden: true })
    .description('Make a self-signed placeholder in CERT_DIR for each name that has no certificate.')
    .argument('<name...>', 'names to serve')
    .action(
      acts(
        session,
        ({ runtime }, wanted: readonly string[]) => planPlaceholders(runtime, wanted),
        ({ made }) => `${made.length} placeholders made`,
      ),
    );
}

function issue({ runtime }: Context, wanted: readonly string[]) {
  return planRenewal(runtime, { names: wanted, when: 'due' });
}

function renew({ runtime }: Context, wanted: readonly string[], { force }: { readonly force?: true }) {
  return planRenewal(runtime, { names: wanted, when: force ? 'now' : 'due' });
}

async function status({ runtime, output }: Context): Promise<CertificateReport> {
  const report = await showCertificates(runtime);
  const config = await runtime.config('operator');
  for (const warning of warningsOf(report, config, runtime.clock.now())) output.warn(warning);
  refuseDifference(report);
  return report;
}

function asText({ certificates }: CertificateReport, style: Style): string {
  if (certificates.length === 0) return 'there are no certificates';
  return certificates.map((certificate) => line(certificate, style)).join('\n');
}

function line(certificate: ShownCertificate, style: Style): string {
  const { names: own, expires_at, serial_file, ports } = certificate;
  const where = ports.length === 0 ? 'not dialled' : ports.map(({ address }) => address).join(', ');
  const mark = isServed(certificate) ? '✔' : '✘';
  return `${mark} ${style.bold(own.join(', '))}  until ${expires_at}  serial ${serial_file}  at ${where}`;
}

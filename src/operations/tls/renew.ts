import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import type { ConfigOf } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan, Step } from '../plan.ts';
import { type CertificateChains, readChains } from './certificate-files.ts';
import { type CertificateReport, isServed, refuseDifference, showCertificates } from './show.ts';

/** Which certificates are asked for. */
export interface WantedCertificates {
  /** All when none is named. */
  readonly names: readonly string[];
  /** `due` leaves alone what is good for long yet, `now` does not. */
  readonly when: 'due' | 'now';
}

/** Plans to have certbot get certificates, to have them loaded, and to see that every port serves them. */
export async function planRenewal(
  world: Runtime,
  { names, when }: WantedCertificates,
): Promise<Plan<CertificateReport>> {
  const config = await acmeConfig(world);
  const found: { before: CertificateChains; report: CertificateReport } = {
    before: await readChains(world),
    report: { certificates: [] },
  };
  refuseUnknown(names, found.before);
  const whose = names.length === 0 ? 'every name' : names.join(', ');
  return {
    title: when === 'due' ? 'Get the certificates that are missing or due' : 'Get new certificates',
    steps: [
      {
        do: 'exec',
        what: `have certbot get ${when === 'due' ? 'what is missing or due' : 'a new certificate'} for ${whose}`,
        run: (runtime) => runCertbot(runtime, config, ['sh', '/etc/mailctl/certbot/run.sh', when, ...names]),
      },
      loadChanged(found),
      {
        do: 'await',
        what: 'see that every port serves what its file holds',
        run: async (runtime) => {
          found.report = await awaitServed(runtime, config);
        },
      },
    ],
    result: () => found.report,
  };
}

async function acmeConfig(world: Runtime): Promise<ConfigOf<'operator'>> {
  const config = await world.config('operator');
  if (config.TLS_SOURCE !== 'acme')
    throw new OperatorError('refused', `certificates come from ${config.TLS_SOURCE}, not from certbot`, {
      hint: 'Replace the files in secrets/ and run mailctl up; or set TLS_SOURCE=acme',
      field: 'TLS_SOURCE',
    });
  return config;
}

function refuseUnknown(names: readonly string[], chains: CertificateChains): void {
  const unknown = names.find((name) => !chains.has(name));
  if (unknown !== undefined)
    throw new OperatorError('usage', `${unknown} is no name of this platform`, {
      hint: `Names: ${[...chains.keys()].join(', ')}`,
      field: 'name',
    });
}

async function runCertbot(
  { docker }: Runtime,
  config: ConfigOf<'operator'>,
  argv: readonly string[],
): Promise<void> {
  const engine = await docker();
  const certbot = (await engine.containers()).find(
    ({ service, state }) => service === 'certbot' && state === 'running',
  );
  if (!certbot)
    throw new OperatorError('unreachable', 'certbot does not run', { hint: 'Start it: mailctl up certbot' });
  const output = new PassThrough();
  const heard = text(output);
  const stop = AbortSignal.timeout(config.CERT_RENEW_TIMEOUT);
  const { exit } = await engine.exec(certbot.id, { argv, stdout: output, stop });
  output.end();
  if (stop.aborted)
    throw new OperatorError('timed-out', 'certbot did not finish in time', {
      hint: 'What it waits for: mailctl logs certbot; CERT_RENEW_TIMEOUT says how long it may take',
    });
  if (exit !== 0) throw certbotFailure(await heard);
}

/** What certbot's script logged, without its frame: one sentence a name that failed. */
function certbotFailure(log: string): OperatorError {
  const failures = [...log.matchAll(/"level":"error","msg":"([^"]*)"/g)].map(([, message]) => message);
  return new OperatorError('unreachable', `certbot failed:\n  ${failures.join('\n  ') || log.trim()}`, {
    hint: 'The name must lead to this host, and port 80 must be open: mailctl domains check',
  });
}

/** nginx and the relay load new certificates on SIGHUP, without dropping a connection; Postal's SMTP server reads them once. */
function loadChanged(found: { readonly before: CertificateChains }): Step {
  return {
    do: 'reload',
    what: "have nginx and the relay load what changed, and start Postal's SMTP server again",
    run: async (runtime) => {
      const now = await readChains(runtime);
      const changed = [...now].filter(([name, chain]) => found.before.get(name) !== chain);
      if (changed.length === 0) return;
      const { POSTAL_HOSTNAME } = await runtime.config('operator');
      const compose = await runtime.compose();
      await compose.must({ argv: ['kill', '--signal', 'HUP', 'nginx', 'relay'] });
      if (changed.some(([name]) => name === POSTAL_HOSTNAME))
        await compose.must({ argv: ['restart', 'postal-smtp'] });
    },
  };
}

async function awaitServed(runtime: Runtime, config: ConfigOf<'operator'>): Promise<CertificateReport> {
  const { clock } = runtime;
  const deadline = clock.monotonicMs() + config.CERT_DEPLOY_TIMEOUT;
  let report = await showCertificates(runtime);
  while (!report.certificates.every(isServed) && clock.monotonicMs() < deadline) {
    await clock.sleep(config.CERT_POLL_INTERVAL);
    report = await showCertificates(runtime);
  }
  refuseDifference(report);
  return report;
}

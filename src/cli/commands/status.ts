import type { Command } from 'commander';

import { failures } from '../../domain/failure.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { ShownHop } from '../../operations/status/hops.ts';
import {
  lookAtPlatform,
  refuseIllness,
  type ShownSending,
  type Status,
} from '../../operations/status/show.ts';
import type { ShownSenders } from '../../operations/status/senders.ts';
import type { ServiceSeen } from '../../operations/status/services.ts';
import type { ShownService } from '../../operations/stack/show-services.ts';
import { isServed, type ShownCertificate } from '../../operations/tls/show.ts';
import { type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

/** `mailctl status`. */
export function defineStatus(command: Command, session: Session): void {
  const once = looks(session, (context) => look(session, context), statusAsText);
  const again = looks(session, watch, () => '');
  command
    .description(
      'Show the platform on one screen: services, what waits where, certificates, backups, keys, timetable. Not healthy is exit code 20, a warning 3.',
    )
    .option('--watch', 'show it again whenever something changed, until Ctrl-C')
    .action((...all: unknown[]) => (command.opts<{ watch?: true }>().watch ? again(...all) : once(...all)));
}

async function look(session: Session, { runtime, output }: Context): Promise<Status> {
  const { status, warnings } = await lookAtPlatform(runtime);
  for (const warning of warnings) output.warn(warning);
  refuseIllness(status);
  if (warnings.length > 0) session.exit = failures['partly-done'].exit;
  return status;
}

async function watch({ runtime, output, stop }: Context): Promise<void> {
  const { STATUS_INTERVAL } = await runtime.config('operator');
  for (let shown = ''; !stop.aborted; await runtime.clock.sleep(STATUS_INTERVAL, stop)) {
    const { status } = await lookAtPlatform(runtime);
    const text = statusAsText({ ...status, services: status.services.map(withoutUsage) }, output.style);
    if (text !== shown)
      output.line(status, `${shown === '' ? '' : '\n'}${statusAsText(status, output.style)}`);
    shown = text;
  }
}

/** What a service uses is never the same twice. */
function withoutUsage(service: ServiceSeen): ServiceSeen {
  return { ...service, memory_bytes: null, processors: null };
}

function statusAsText(status: Status, style: Style): string {
  const { healthy, problems, services, hops, sending, certificates, backup, keys, schedule, urls } = status;
  const rows = [
    ...pausedAsText(sending, style),
    healthy ? style.green('healthy') : style.red('not healthy'),
    ...problems.map((problem) => style.red(`  ${problem}`)),
    '',
    ...servicesAsText(services, style),
    '',
    ...hops.map(hopAsText),
    ...sendersAsText(status.senders),
    '',
    ...certificates.map((certificate) => certificateAsText(certificate, style)),
    ...keys.expiring.map(({ name, expires_at }) =>
      style.yellow(`key            ${name} ends at ${expires_at}`),
    ),
    `backup         last ${backup.last ?? 'never'}, proven ${backup.proven ?? 'never'}${backup.strict ? ' (strict: only the escrow key opens sets)' : ''}`,
    ...schedule.flatMap(({ name, next }) => (next === null ? [] : [`scheduled      ${name} at ${next}`])),
    '',
    ...Object.entries(urls).map(([name, url]) => `${name.padEnd(14)} ${url}`),
  ];
  return rows.filter((row, index) => row !== '' || rows[index - 1] !== '').join('\n');
}

/** Nothing on the screen is louder: mail that waits for a person waits for ever. */
function pausedAsText(sending: ShownSending | null, style: Style): readonly string[] {
  if (!sending?.paused) return [];
  const { reason, since, until } = sending;
  const line = ` SENDING IS PAUSED since ${since}${until === null ? '' : ` until ${until}`}: ${reason ?? 'no reason given'} `;
  return [style.bgRed.white.bold(line), style.red.bold('  let mail go again: mailctl queue resume'), ''];
}

function hopAsText({ hop, depth, oldest_seconds: seconds, bytes = 0, set_aside = 0 }: ShownHop): string {
  const oldest = depth === 0 ? '' : `, the oldest ${formatDuration(seconds * 1000)}`;
  const size = bytes === 0 ? '' : `, ${bytes} bytes`;
  const aside = set_aside === 0 ? '' : `, ${set_aside} set aside`;
  return `${hop.padEnd(15)} ${depth} waiting${oldest}${size}${aside}`;
}

function sendersAsText(senders: ShownSenders | null): readonly string[] {
  if (!senders) return [];
  const { checked, domains, seen_at: seenAt } = senders;
  if (checked) return [`senders         on ${domains} verified domains, seen in Postal at ${seenAt}`];
  return [
    `senders         not checked against Postal's verified domains${seenAt === null ? '' : ` since ${seenAt}`}`,
  ];
}

function certificateAsText(certificate: ShownCertificate, style: Style): string {
  const { names, expires_at: end, self_signed: placeholder } = certificate;
  const served = isServed(certificate) ? '' : style.red(' not the one served');
  return `certificate    ${names.join(', ')} until ${end}${placeholder ? style.yellow(' self-signed') : ''}${served}`;
}

/** A row for each service. */
export function servicesAsText(
  services: readonly (ShownService & Partial<ServiceSeen>)[],
  style: Style,
): readonly string[] {
  const isMeasured = services.some((one) => typeof one.memory_bytes === 'number');
  return services.map((service) => {
    const { name, state, health, image, restarts, version } = service;
    const well = health === 'healthy' || state === 'exited (0)' || (health === 'none' && state === 'running');
    const word = health === 'none' ? state : health;
    const again = restarts > 0 ? `  restarted ${restarts}x` : '';
    const used = isMeasured ? usageAsText(service).padEnd(usageWidth) : '';
    const what = [used, version ?? '', image].filter((text) => text !== '').join('  ');
    return `${name.padEnd(14)} ${(well ? style.green : style.red)(word.padEnd(10))} ${what}${again}`.trimEnd();
  });
}

const usageWidth = '1024/1024 MB 0.00 cpu'.length;

function usageAsText({ memory_bytes: used, memory_limit_bytes: limit, processors }: Partial<ServiceSeen>) {
  if (typeof used !== 'number') return '';
  const most = typeof limit === 'number' ? `/${megabytes(limit)}` : '';
  return `${`${megabytes(used)}${most} MB`.padStart(12)} ${(processors ?? 0).toFixed(2)} cpu`;
}

function megabytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}

import type { Command } from 'commander';

import type { ShownService } from '../../operations/stack/show-services.ts';
import { showStatus, type Status } from '../../operations/stack/status.ts';
import { type Context, runs, type Session } from '../command.ts';
import type { Style } from '../output.ts';

/** `mailctl status`. */
export function defineStatus(command: Command, session: Session): void {
  command
    .description(
      'Show the platform on one screen: services, what waits where, certificates, backups, keys, timetable.',
    )
    .option('--watch', 'show it again whenever something changed, until Ctrl-C')
    .action(runs(session, show));
}

async function show(context: Context, { watch }: { readonly watch?: true }): Promise<void> {
  const { runtime, output, stop } = context;
  if (!watch) return output.result(await showStatus(runtime), statusAsText);
  const { UP_POLL_INTERVAL } = await runtime.config('operator');
  for (let shown = ''; !stop.aborted; await runtime.clock.sleep(UP_POLL_INTERVAL, stop)) {
    const status = await showStatus(runtime);
    const text = statusAsText(status, output.style);
    if (text !== shown) output.line(status, text);
    shown = text;
  }
}

function statusAsText(status: Status, style: Style): string {
  const { healthy, problems, services, hops, sending, backup, urls } = status;
  const paused = sending?.paused ? [style.red.bold(`SENDING IS PAUSED: ${sending.reason ?? ''}`), ''] : [];
  return [
    ...paused,
    healthy ? style.green('healthy') : style.red('not healthy'),
    ...problems.map((problem) => style.red(`  ${problem}`)),
    '',
    ...servicesAsText(services, style),
    '',
    ...hops.map(
      ({ hop, depth, oldest_seconds }) => `${hop.padEnd(14)} ${depth} wait, the oldest ${oldest_seconds} s`,
    ),
    `backup         last ${backup.last ?? 'never'}, proven ${backup.proven ?? 'never'}`,
    ...Object.entries(urls).map(([name, url]) => `${name.padEnd(14)} ${url}`),
  ].join('\n');
}

/** A row for each service. */
export function servicesAsText(services: readonly ShownService[], style: Style): readonly string[] {
  return services.map(({ name, state, health, image, restarts }) => {
    const well = health === 'healthy' || state === 'exited (0)' || (health === 'none' && state === 'running');
    const word = health === 'none' ? state : health;
    const again = restarts > 0 ? `  restarted ${restarts}x` : '';
    return `${name.padEnd(14)} ${(well ? style.green : style.red)(word.padEnd(10))} ${image}${again}`;
  });
}

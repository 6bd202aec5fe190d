import { asCalendarEvent } from '../../domain/cron.ts';
import { OperatorError } from '../../domain/failure.ts';
import { type RowName, rowNames, timetable } from '../../domain/timetable.ts';
import type { Schedule } from '../../config/shapes.ts';
import type { Runtime } from '../../runtime.ts';
import { timesOf } from '../../upkeep/timetable.ts';

export const formats = ['cron', 'systemd'] as const;

/** A file for the host's own scheduler, and where it goes. */
export interface ExportedFile {
  readonly path: string;
  readonly content: string;
}

export interface Exported {
  readonly format: (typeof formats)[number];
  readonly files: readonly ExportedFile[];
}

interface Line {
  readonly name: RowName;
  readonly schedule: Schedule;
  /** The command line of a run, quoted for a shell. */
  readonly command: readonly string[];
}

/** The timetable in the form of cron or of systemd timers, run as `user`, for those who prefer the host's. */
export async function exportTimetable(
  { config, program, dir }: Pick<Runtime, 'config' | 'program' | 'dir'>,
  format: Exported['format'],
  user: string,
): Promise<Exported> {
  const settings = await config('operator');
  const times = timesOf(settings);
  const { words } = await program();
  const lines = rowNames.flatMap((name): Line[] => {
    const schedule = times[name];
    const command = [...words, '-C', dir, 'schedule', 'run', name, '--no-input', '--quiet'];
    return schedule ? [{ name, schedule, command }] : [];
  });
  if (lines.length === 0) throw nothingOn();
  if (format === 'cron') return { format, files: [cronFile(lines, user)] };
  return { format, files: lines.flatMap((line) => timerFiles(line, user, settings.SCHEDULE_JITTER)) };
}

function cronFile(lines: readonly Line[], user: string): ExportedFile {
  const head = [
    '# The timetable of mailctl, printed by: mailctl schedule export --format cron',
    '# Times are UTC. cronie keeps to CRON_TZ; other crons run on the time of the host: set that to UTC.',
    '# Do not run mailctl scheduler beside it. What ran: mailctl schedule history',
    'CRON_TZ=UTC',
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ];
  const rows = lines.map(
    ({ schedule, command }) => `${schedule.text} ${user} ${command.map(forCron).join(' ')}`,
  );
  return { path: '/etc/cron.d/mailctl', content: `${[...head, ...rows].join('\n')}\n` };
}

/** A % is a line end to cron, inside quotes too. */
function forCron(word: string): string {
  const quoted = /^[\w./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  return quoted.replaceAll('%', '\\%');
}

function timerFiles({ name, schedule, command }: Line, user: string, jitterMs: number): ExportedFile[] {
  const unit = `/etc/systemd/system/mailctl-${name}`;
  const means = `mailctl: ${timetable[name].means}`;
  const service = [
    '[Unit]',
    `Description=${means}`,
    'After=network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    `User=${user}`,
    `ExecStart=${command.map(forSystemd).join(' ')}`,
  ];
  const timer = [
    '[Unit]',
    `Description=${means}`,
    '',
    '[Timer]',
    `OnCalendar=${asCalendarEvent(schedule.cron)}`,
    'Persistent=true',
    `RandomizedDelaySec=${Math.ceil(jitterMs / 1000)}`,
    '',
    '[Install]',
    'WantedBy=timers.target',
  ];
  return [
    { path: `${unit}.service`, content: `${service.join('\n')}\n` },
    { path: `${unit}.timer`, content: `${timer.join('\n')}\n` },
  ];
}

/** systemd.service(5): specifiers begin with %, variables with $. */
function forSystemd(word: string): string {
  const doubled = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./:=@,+%$-]+$/.test(word)
    ? doubled
    : `"${doubled.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function nothingOn(): OperatorError {
  return new OperatorError('usage', 'every row of the timetable is off; there is nothing to export', {
    hint: 'Switch one on: mailctl config explain SCHEDULE_E2E',
  });
}

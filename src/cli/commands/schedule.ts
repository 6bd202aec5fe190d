import { type Command, Option } from 'commander';

import { type Exported, exportTimetable, formats } from '../../operations/schedule/export.ts';
import { planRun, requireRow } from '../../operations/schedule/run.ts';
import { showRuns, type ShownRow, type ShownRun, showTimetable } from '../../operations/schedule/show.ts';
import { looks, passesOn, type Session } from '../command.ts';
import { pageLimit } from '../page-limit.ts';
import type { Style } from '../output.ts';

/** `mailctl schedule list|history|run|export`. */
export function defineSchedule(command: Command, session: Session): void {
  command
    .command('list')
    .description('List what runs by itself, how it last went, and when it is due next.')
    .action(looks(session, ({ runtime }) => showTimetable(runtime), rowsAsText));
  command
    .command('history')
    .description('List the runs, newest first.')
    .argument('[name]', 'only of this row')
    .option('--limit <number>', 'how many at most', pageLimit, 50)
    .action(
      looks(
        session,
        ({ runtime }, name: string | undefined, { limit }: { readonly limit: number }) =>
          showRuns(runtime, { row: name === undefined ? undefined : requireRow(name), limit }),
        runsAsText,
      ),
    );
  command
    .command('run')
    .description('Run a row now, as the timetable would, and write down how it ended.')
    .argument('<name>', 'name of the row')
    .action(passesOn(session, async ({ stop }, name: string) => planRun(requireRow(name), stop), runsAsText));
  command
    .command('export')
    .description("Print the timetable for the host's own cron or systemd.")
    .addOption(new Option('--format <format>', 'for what it is').choices(formats).makeOptionMandatory())
    .option('--user <name>', 'who runs it on the host', 'root')
    .action(
      looks(
        session,
        ({ runtime }, { format, user }: { readonly format: Exported['format']; readonly user: string }) =>
          exportTimetable(runtime, format, user),
        exportAsText,
      ),
    );
}

function rowsAsText({ rows }: { readonly rows: readonly ShownRow[] }, style: Style): string {
  return rows
    .map(({ name, when, command, last, next }) =>
      [
        style.bold(name.padEnd(14)),
        when.padEnd(14),
        `next ${next ?? 'never'}`.padEnd(29),
        last ? `last ${last.started_at} ${last.outcome ?? 'running'}` : 'never ran',
        style.dim(command),
      ].join('  '),
    )
    .join('\n');
}

function runsAsText({ runs }: { readonly runs: readonly ShownRun[] }, style: Style): string {
  if (runs.length === 0) return 'nothing ran yet';
  return runs
    .map(({ name, started_at, outcome, exit, seconds, said }) =>
      [
        started_at,
        style.bold(name.padEnd(14)),
        (outcome ?? 'running').padEnd(11),
        exit === null ? '' : `exit ${exit}`,
        seconds === null ? '' : `${seconds} s`,
        outcome === 'done' ? '' : (said.split('\n').at(-1) ?? ''),
      ].join('  '),
    )
    .join('\n');
}

function exportAsText({ files }: Exported): string {
  const [only, ...more] = files;
  if (only && more.length === 0) return only.content;
  return files.map(({ path, content }) => `# ${path}\n${content}`).join('\n');
}

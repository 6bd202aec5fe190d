import { type FailureCode, failures, OperatorError } from '../../domain/failure.ts';
import { type RowName, rowNames, type ScheduledRun, timetable } from '../../domain/timetable.ts';
import type { Runtime } from '../../runtime.ts';
import { runRow, type RunWorld } from '../../upkeep/scheduled-run.ts';
import type { Plan } from '../plan.ts';
import type { ShownRun } from './show.ts';

/** Plans to run a row now, in a process of its own. It fails as the command failed; `locked` while the row runs already. */
export function planRun(name: RowName, stop: AbortSignal): Plan<{ readonly runs: readonly ShownRun[] }> {
  const { command } = timetable[name];
  const words = ['mailctl', ...command].join(' ');
  let ended: ScheduledRun | undefined;
  return {
    title: `Run the row ${name} of the timetable now`,
    steps: [
      {
        do: 'run',
        what: `run ${words}, and write down how it ended`,
        run: async (world) => {
          const order = { name, command, due: world.clock.now() };
          ended = await runRow(await runWorld(world), order, stop);
          if (ended.outcome !== 'done') throw ranBadly(name, words, ended);
        },
      },
    ],
    result: () => ({ runs: ended ? [{ name, ...ended }] : [] }),
  };
}

/** The row with this name. Throws `usage` when there is none. */
export function requireRow(word: string): RowName {
  const name = rowNames.find((known) => known === word);
  if (name) return name;
  throw new OperatorError('usage', `the timetable has no row ${word}`, {
    hint: `Rows: ${rowNames.join(', ')}; see: mailctl schedule list`,
    field: 'name',
  });
}

async function runWorld(world: Runtime): Promise<RunWorld> {
  const { run, own } = await world.program();
  const config = await world.config('operator');
  const limits = {
    timeoutMs: config.SCHEDULE_TIMEOUT,
    lockedRetryMs: config.SCHEDULE_LOCKED_RETRY,
    lockedForMs: config.SCHEDULE_LOCKED_FOR,
    keepRuns: config.SCHEDULE_KEEP_RUNS,
  };
  return { dir: world.dir, files: world.files, clock: world.clock, own, mailctl: run, limits };
}

function ranBadly(name: RowName, words: string, run: ScheduledRun): OperatorError {
  const how = run.exit === null ? `was ${run.outcome}` : `ended with ${run.exit}`;
  return new OperatorError(codeOf(run), `${words} ${how}: ${run.said}`, {
    hint: `Run it by hand to see more: ${words}`,
    data: { runs: [{ name, ...run }] },
  });
}

function codeOf({ outcome, exit }: ScheduledRun): FailureCode {
  if (outcome === 'timed-out') return 'timed-out';
  if (outcome === 'interrupted') return 'interrupted';
  const codes = Object.keys(failures) as FailureCode[];
  return codes.find((code) => failures[code].exit === exit) ?? 'bug';
}

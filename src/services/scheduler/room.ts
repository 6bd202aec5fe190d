import type { Log } from '../../adapters/log.ts';
import type { Random } from '../../adapters/random.ts';
import type { Files } from '../../adapters/files.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { Schedule } from '../../config/shapes.ts';
import type { RunWorld } from '../../upkeep/scheduled-run.ts';

export type SchedulerConfig = ConfigOf<'scheduler'>;

/** What the scheduler needs of the world. */
export interface SchedulerWorld extends Omit<RunWorld, 'limits' | 'files'> {
  readonly random: Random;
  /** Sets the delays of this installation's runs apart from those of others. */
  readonly seed: string;
  readonly log: Log;
  readonly files: RunWorld['files'] & Pick<Files, 'list'>;
}

/** A row that is on. */
export interface ActiveRow {
  readonly name: string;
  readonly command: readonly string[];
  readonly schedule: Schedule;
}

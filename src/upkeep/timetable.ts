import type { ConfigOf } from '../config/environment.ts';
import type { Schedule } from '../config/shapes.ts';
import type { RowName } from '../domain/timetable.ts';

type ScheduleVariables = Pick<ConfigOf<'scheduler'> & ConfigOf<'operator'>, 'SCHEDULE_E2E'>;

/** When each row of the timetable is due; undefined for one that is off. */
export function timesOf(config: ScheduleVariables): Readonly<Record<RowName, Schedule | undefined>> {
  return { e2e: config.SCHEDULE_E2E };
}

import type { ConfigOf } from '../config/environment.ts';
import type { Schedule } from '../config/shapes.ts';
import type { RowName } from '../domain/timetable.ts';

type ScheduleVariables = Pick<
  ConfigOf<'scheduler'> & ConfigOf<'operator'>,
  | 'SCHEDULE_BACKUP'
  | 'SCHEDULE_BACKUP_VERIFY'
  | 'SCHEDULE_BACKUP_PRUNE'
  | 'SCHEDULE_POSTAL_RESCUE'
  | 'SCHEDULE_POSTAL_RETENTION'
  | 'SCHEDULE_POSTAL_RECONCILE'
  | 'SCHEDULE_E2E'
  | 'SCHEDULE_KEYS_ROTATE'
  | 'SCHEDULE_KEYS_NOTICE'
>;

/** When each row of the timetable is due; undefined for one that is off. */
export function timesOf(config: ScheduleVariables): Readonly<Record<RowName, Schedule | undefined>> {
  return {
    backup: config.SCHEDULE_BACKUP,
    'backup-verify': config.SCHEDULE_BACKUP_VERIFY,
    'backup-prune': config.SCHEDULE_BACKUP_PRUNE,
    'keys-rotate': config.SCHEDULE_KEYS_ROTATE,
    'keys-notice': config.SCHEDULE_KEYS_NOTICE,
    'postal-rescue': config.SCHEDULE_POSTAL_RESCUE,
    'postal-retention': config.SCHEDULE_POSTAL_RETENTION,
    'postal-reconcile': config.SCHEDULE_POSTAL_RECONCILE,
    e2e: config.SCHEDULE_E2E,
  };
}

import type { ConfigOf } from '../config/environment.ts';
import type { Schedule } from '../config/shapes.ts';
import type { RowName } from '../domain/timetable.ts';

type ScheduleVariables = Pick<
  ConfigOf<'scheduler'> & ConfigOf<'operator'>,
  | 'SCHEDULE_BACKUP'
  | 'SCHEDULE_BACKUP_COPY'
  | 'BACKUP_COPY_DIR'
  | 'BACKUP_S3_URL'
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
    'backup-copy': isCopied(config) ? config.SCHEDULE_BACKUP_COPY : undefined,
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

/** A place is enough to have sets copied there: nobody who names one expects to switch that on as well. */
function isCopied({ BACKUP_COPY_DIR: folder, BACKUP_S3_URL: bucket }: ScheduleVariables): boolean {
  return folder !== undefined || bucket !== undefined;
}

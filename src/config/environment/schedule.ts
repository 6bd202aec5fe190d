import { count, cronOrOff, duration, listen, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Timetable';
const readBy = ['scheduler'] as const;
const readByBoth = ['scheduler', 'operator'] as const;

/** When commands run by themselves, and how. */
export const schedule = {
  SCHEDULER_HEALTH_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Health and metrics of the scheduler',
    fallback: '127.0.0.1:9104',
  }),
  SCHEDULE_BACKUP: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When a backup set is taken: five cron fields in UTC, or off; Postal drops old tables at 03:00',
    fallback: '15 1 * * *',
  }),
  SCHEDULE_BACKUP_COPY: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means:
      'When sets are copied to BACKUP_COPY_DIR and BACKUP_S3_URL where they are not yet; where neither is set the row is off',
    fallback: '40 * * * *',
  }),
  SCHEDULE_BACKUP_VERIFY: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When the newest set is proven by restoring it',
    fallback: '30 4 * * 0',
  }),
  SCHEDULE_BACKUP_PRUNE: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When sets that need not be kept are removed',
    fallback: '0 5 * * *',
  }),
  SCHEDULE_KEYS_ROTATE: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When rotations under way go on',
    fallback: '*/15 * * * *',
  }),
  SCHEDULE_KEYS_NOTICE: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When keys are looked through for those that end soon',
    fallback: '0 6 * * *',
  }),
  SCHEDULE_POSTAL_RESCUE: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When mail that a dead worker of Postal locked is freed',
    fallback: '*/10 * * * *',
  }),
  SCHEDULE_POSTAL_RETENTION: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When queued mail is looked through for what loses its body; Postal drops bodies at 03:00',
    fallback: '45 2,14 * * *',
  }),
  SCHEDULE_POSTAL_RECONCILE: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means:
      "When Postal's databases are compared with what its webhooks told, beside what the worker does by itself",
    fallback: '20 */6 * * *',
  }),
  SCHEDULE_E2E: variable(cronOrOff, {
    section,
    readBy: readByBoth,
    means: 'When the end-to-end check runs: five cron fields in UTC, or off',
    fallback: 'off',
  }),
  SCHEDULE_JITTER: variable(duration, {
    section,
    readBy: readByBoth,
    means:
      'A run starts up to so much later, so that not everything starts at once; how much is fixed for each run',
    fallback: '30s',
  }),
  SCHEDULE_TIMEOUT: variable(wait, {
    section,
    readBy: readByBoth,
    means: 'Longest run; then it is ended',
    fallback: '6h',
  }),
  SCHEDULE_CATCH_UP: variable(duration, {
    section,
    readBy,
    means: 'How late a run that was missed is still made up for, once',
    fallback: '1d',
  }),
  SCHEDULE_LOCKED_RETRY: variable(wait, {
    section,
    readBy: readByBoth,
    means: 'How often a run that met the lock of another mailctl tries again',
    fallback: '30s',
  }),
  SCHEDULE_LOCKED_FOR: variable(duration, {
    section,
    readBy: readByBoth,
    means: 'How long it does so before it counts as locked out',
    fallback: '30m',
  }),
  SCHEDULE_KEEP_RUNS: variable(count(1, 1000), {
    section,
    readBy: readByBoth,
    means: 'Runs of each row that are remembered',
    fallback: '50',
  }),
  SCHEDULER_POLL_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often the scheduler looks for runs that were missed',
    fallback: '10s',
  }),
  SCHEDULER_STALL_AFTER: variable(duration, {
    section,
    readBy,
    means: 'Without progress for so long it counts as hung',
    fallback: '2m',
  }),
  SCHEDULER_SHUTDOWN_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long runs may take to end after SIGTERM',
    fallback: '30s',
  }),
};

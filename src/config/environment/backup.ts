import { ageRecipient, count, dailyWindow, list, path, secret, text, wait, webUrl } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Backup';
const readBy = ['operator'] as const;

/** Sets of both databases and the folder: what they are sealed to, when they are taken, and how long they stay. */
export const backup = {
  BACKUP_DIR: variable(path, {
    section,
    readBy,
    means: 'Where sets are kept; relative to the folder',
    fallback: 'backups',
  }),
  BACKUP_ESCROW_RECIPIENT: variable(ageRecipient, {
    section,
    readBy,
    means:
      'Public key (age1…) of the escrow key, which is kept off this host; else the one in secrets/backup-escrow.pub',
    optional: true,
  }),
  BACKUP_VERIFY_KEY: variable(path, {
    section,
    readBy,
    means:
      'File of the key that opens dumps on this host to prove them; `none` is the strict mode: only the escrow key opens them',
    fallback: 'secrets/backup-verify.key',
  }),
  BACKUP_TOOLS_PATH: variable(list, {
    section,
    readBy,
    means: 'Folders, separated by commas, where pg_dump and mariadb-dump are looked for before PATH',
    optional: true,
  }),
  BACKUP_MARIADB_USER: variable(text, {
    section,
    readBy,
    means: "User that may dump and restore every database of Postal's (all rights on them, and RELOAD)",
    optional: true,
    alsoFile: true,
    rotates: true,
  }),
  BACKUP_MARIADB_PASSWORD: variable(secret, {
    section,
    readBy,
    means: 'Password of that user',
    secret: true,
    optional: true,
  }),
  BACKUP_ZSTD_LEVEL: variable(count(1, 19), {
    section,
    readBy,
    means: 'How hard zstd compresses',
    fallback: '3',
  }),
  BACKUP_ZSTD_THREADS: variable(count(1, 64), {
    section,
    readBy,
    means: 'Cores that zstd compresses on: it is what a dump waits for',
    fallback: '2',
  }),
  BACKUP_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one step of a backup or restore may take',
    fallback: '6h',
  }),
  BACKUP_END_TIMEOUT: variable(wait, {
    section,
    readBy,
    means:
      'How long a program that dumps or restores may take to end when it is told to, before it is killed',
    fallback: '5s',
  }),
  BACKUP_LOCK_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long the moment of the snapshot may wait for statements that run in MariaDB',
    fallback: '30s',
  }),
  BACKUP_OWNER_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Silence after which a run on another machine no longer holds the folder of sets',
    fallback: '2m',
  }),
  BACKUP_PROGRESS_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often a terminal is told of rate and time left',
    fallback: '500ms',
  }),
  BACKUP_MARIADB_PACKET: variable(text, {
    section,
    readBy,
    means: 'Largest row that is dumped or restored, as --max-allowed-packet takes it',
    fallback: '1G',
  }),
  BACKUP_AVOID: variable(dailyWindow, {
    section,
    readBy,
    means: 'Time of day (UTC) in which no backup runs: Postal drops its old raw tables at 03:00',
    fallback: '02:55-03:20',
  }),
  BACKUP_SHRINK_PERCENT: variable(count(1, 100), {
    section,
    readBy,
    means: 'Share of its rows that a table may lose from one set to the next before it is an error',
    fallback: '40',
  }),
  BACKUP_SHRINK_LEAST: variable(count(1), {
    section,
    readBy,
    means: 'Tables with fewer rows are not looked at for that',
    fallback: '100',
  }),
  BACKUP_MESSAGE_ID_GAP: variable(count(1000, 1_000_000_000), {
    section,
    readBy,
    means: 'How far past the highest known one the message ids of a restored Postal go on',
    fallback: '1000000',
  }),
  BACKUP_KEEP_LAST: variable(count(1), {
    section,
    readBy,
    means: 'Newest sets that are kept',
    fallback: '3',
  }),
  BACKUP_KEEP_HOURLY: variable(count(0), {
    section,
    readBy,
    means: 'Hours of which one set is kept',
    fallback: '0',
  }),
  BACKUP_KEEP_DAILY: variable(count(0), { section, readBy, means: 'The same for days', fallback: '7' }),
  BACKUP_KEEP_WEEKLY: variable(count(0), { section, readBy, means: 'The same for weeks', fallback: '5' }),
  BACKUP_KEEP_MONTHLY: variable(count(0), { section, readBy, means: 'The same for months', fallback: '6' }),
  BACKUP_KEEP_YEARLY: variable(count(0), { section, readBy, means: 'The same for years', fallback: '0' }),
  BACKUP_MIN_COPIES: variable(count(0, 2), {
    section,
    readBy,
    means: 'Copies elsewhere that a set must have before prune lets it go here',
    fallback: '0',
  }),
  BACKUP_COPY_DIR: variable(path, {
    section,
    readBy: ['operator', 'scheduler'],
    means: 'A directory, on another disk or machine, that `backup copy` copies sets to',
    optional: true,
  }),
  BACKUP_S3_URL: variable(webUrl, {
    section,
    readBy: ['operator', 'scheduler'],
    means: 'S3-compatible storage that `backup copy` copies sets to, with the bucket: https://HOST/BUCKET',
    optional: true,
  }),
  BACKUP_S3_REGION: variable(text, { section, readBy, means: 'Region of that storage', fallback: 'auto' }),
  BACKUP_S3_KEY_ID: variable(text, { section, readBy, means: 'Access key id there', optional: true }),
  BACKUP_S3_SECRET: variable(secret, {
    section,
    readBy,
    means: 'Secret access key there',
    secret: true,
    optional: true,
  }),
  BACKUP_S3_PART_MEGABYTES: variable(count(5, 512), {
    section,
    readBy,
    means: 'Size of the pieces in which a file is sent there; a cut loses one piece at most',
    fallback: '16',
  }),
  BACKUP_S3_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one request there may take',
    fallback: '2m',
  }),
};

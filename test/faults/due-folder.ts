import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryFolder } from '../cli/folders.ts';
import { envText } from '../config/valid-sources.ts';

const otherRows = [
  'BACKUP',
  'BACKUP_COPY',
  'BACKUP_VERIFY',
  'BACKUP_PRUNE',
  'KEYS_ROTATE',
  'KEYS_NOTICE',
  'POSTAL_RESCUE',
  'POSTAL_RETENTION',
  'POSTAL_RECONCILE',
];

/** A folder whose timetable has one row, the end-to-end check, which fails at once: there is no database. */
export async function folderDue(when: string) {
  const folder = temporaryFolder();
  const others = Object.fromEntries(otherRows.map((row) => [`SCHEDULE_${row}`, 'off']));
  const own = { SCHEDULE_E2E: when, SCHEDULE_JITTER: '0s' };
  const values = { MAILCTL_MODE: 'sandbox', POSTGRES_PORT: '9', ...others, ...own };
  await writeFile(join(folder.path, '.env'), envText(values), { mode: 0o600 });
  return folder;
}

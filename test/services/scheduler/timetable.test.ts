import { expect, it } from 'vitest';

import { loadConfig } from '../../../src/config/load.ts';
import { timesOf } from '../../../src/upkeep/timetable.ts';
import { sourcesOf } from '../../config/valid-sources.ts';

it.each([
  ['no place is named', {}, undefined],
  ['a folder is named', { BACKUP_COPY_DIR: '/mnt/elsewhere' }, '40 * * * *'],
  ['a bucket is named', { BACKUP_S3_URL: 'https://s3.example.com/bucket' }, '40 * * * *'],
  ['it is off', { BACKUP_COPY_DIR: '/mnt/elsewhere', SCHEDULE_BACKUP_COPY: 'off' }, undefined],
])('sets are copied by themselves as soon as there is a place for it: %s', (_, changes, when) => {
  for (const room of ['scheduler', 'operator'] as const)
    expect(timesOf(loadConfig(room, sourcesOf(changes)))['backup-copy']?.text).toBe(when);
});

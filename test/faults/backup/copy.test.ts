import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { startBucket } from './bucket.ts';
import { backupScene } from './scene.ts';

it('copies a set to a directory and a bucket, goes on after a cut, and lets old sets go only when agreed to', async () => {
  await using bucket = await startBucket();
  await using scene = await backupScene({
    BACKUP_COPY_DIR: 'elsewhere',
    BACKUP_S3_URL: bucket.url,
    BACKUP_S3_KEY_ID: 'id',
    BACKUP_S3_SECRET: 'Zb7-qT2_xK9vLw4mNc8sRy1pDg5hJf3a',
    BACKUP_S3_PART_MEGABYTES: '5',
    BACKUP_KEEP_LAST: '1',
    BACKUP_KEEP_DAILY: '0',
    BACKUP_KEEP_WEEKLY: '0',
    BACKUP_KEEP_MONTHLY: '0',
  });
  await scene.database.db.query(
    `insert into bodies (message_id, day, raw) select 'b' || g, current_date, decode(repeat(md5(random()::text || g), 32768), 'hex') from generate_series(1, 1) g`,
  );
  await scene.database.db.query(
    `insert into bodies (message_id, day, raw) select 'c' || g, current_date, decode(string_agg(md5(random()::text), ''), 'hex') from generate_series(1, 12) g, generate_series(1, 65536) group by g`,
  );
  const { data: old } = await scene.backup('run');
  const { data: run } = await scene.backup('run');
  const { id } = run.set;
  bucket.fault.cutAtPart = 2;
  expect(await scene.backup('copy', id)).toMatchObject({ exit: 13 });
  bucket.fault.cutAtPart = 0;
  const copied = await scene.backup('copy', id);
  expect(copied.error).toBeUndefined();
  expect(bucket.received.filter((part) => part === `${id}/postgres.dump.zst.age 1`)).toHaveLength(1);
  for (const file of ['postgres.dump.zst.age', 'manifest.json']) {
    const bytes = readFileSync(join(scene.shelf, id, file));
    expect(bucket.objects.get(`${id}/${file}`)?.equals(bytes)).toBe(true);
    expect(readFileSync(join(scene.dir, 'elsewhere', id, file)).equals(bytes)).toBe(true);
  }
  expect(await scene.backup('prune')).toMatchObject({ exit: 21 });
  expect(existsSync(join(scene.shelf, old.set.id))).toBe(true);
  expect((await scene.backup('prune', '--min-copies', '1', '--yes')).data.changed).toBe(0);
  expect((await scene.backup('prune', '--yes')).data.changed).toBe(1);
  expect(existsSync(join(scene.shelf, old.set.id))).toBe(false);
});

it('counts no copy of which the bucket gives back another octet than was sent, and sends it anew', async () => {
  await using bucket = await startBucket();
  await using scene = await backupScene({
    BACKUP_S3_URL: bucket.url,
    BACKUP_S3_KEY_ID: 'id',
    BACKUP_S3_SECRET: 'Zb7-qT2_xK9vLw4mNc8sRy1pDg5hJf3a',
  });
  const { data: run } = await scene.backup('run');
  const record = join(scene.shelf, run.set.id, 'copies.json');
  bucket.fault.turnsAnOctet = true;
  expect(await scene.backup('copy', run.set.id)).toMatchObject({
    exit: 20,
    error: { message: expect.stringContaining(`${run.set.id}/`), field: 'BACKUP_S3_URL' },
  });
  expect(existsSync(record)).toBe(false);
  bucket.fault.turnsAnOctet = false;
  expect(await scene.backup('copy', run.set.id)).toMatchObject({ exit: 0 });
  expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject([{ to: bucket.url }]);
});

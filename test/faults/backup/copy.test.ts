import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { signer, startBucket } from './bucket.ts';
import { backupScene, type Scene } from './scene.ts';

/** How `.env` names a bucket. */
const variablesOf = ({ url }: { readonly url: string }) => ({
  BACKUP_S3_URL: url,
  BACKUP_S3_KEY_ID: signer.keyId,
  BACKUP_S3_SECRET: signer.secret,
  BACKUP_S3_PART_MEGABYTES: '5',
});

/** Makes the dump of PostgreSQL some pieces long: nothing of it can be compressed. */
async function growBodies({ database: { db } }: Scene): Promise<void> {
  await db.query(
    `insert into bodies (message_id, day, raw) select 'c' || g, current_date, decode(string_agg(md5(random()::text), ''), 'hex') from generate_series(1, 12) g, generate_series(1, 65536) group by g`,
  );
}

it('copies a set to a directory and a bucket, goes on after a cut, and lets old sets go only when agreed to', async () => {
  await using bucket = await startBucket();
  await using scene = await backupScene({
    BACKUP_COPY_DIR: 'elsewhere',
    ...variablesOf(bucket),
    BACKUP_KEEP_LAST: '1',
    BACKUP_KEEP_DAILY: '0',
    BACKUP_KEEP_WEEKLY: '0',
    BACKUP_KEEP_MONTHLY: '0',
  });
  await growBodies(scene);
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
  await using scene = await backupScene(variablesOf(bucket));
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

it('sends anew what the storage has forgotten since a cut, and is refused with a secret that is not right', async () => {
  await using bucket = await startBucket();
  await using scene = await backupScene(variablesOf(bucket));
  await growBodies(scene);
  const { data: run } = await scene.backup('run');
  const { id } = run.set;
  bucket.fault.cutAtPart = 3;
  expect(await scene.backup('copy', id)).toMatchObject({ exit: 13 });
  bucket.fault.cutAtPart = 0;
  bucket.forgetUploads();
  expect((await scene.backup('copy', id)).error).toBeUndefined();
  expect(bucket.received.filter((part) => part === `${id}/postgres.dump.zst.age 1`)).toHaveLength(2);
  const bytes = readFileSync(join(scene.shelf, id, 'postgres.dump.zst.age'));
  expect(bucket.objects.get(`${id}/postgres.dump.zst.age`)?.equals(bytes)).toBe(true);

  const env = join(scene.dir, '.env');
  writeFileSync(
    env,
    readFileSync(env, 'utf8').replace(/^(BACKUP_S3_SECRET=.*)$/m, (line) => line.replace('Zb7', 'zB7')),
  );
  bucket.objects.clear();
  expect(await scene.backup('copy', id)).toMatchObject({ exit: 12, error: { field: 'BACKUP_S3_KEY_ID' } });
  expect([...bucket.objects.keys()]).toEqual([]);
});

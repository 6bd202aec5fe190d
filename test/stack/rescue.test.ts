import { beforeAll, describe, expect, it } from 'vitest';

import { containerOf, dockerSays, inMariadb, until } from './harness/containers.ts';
import { runningStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;

/** Puts a message into Postal's queue that a worker has locked, and gives back the row's id. */
async function lockedRow(lockedBy: string, lockedAt: string): Promise<string> {
  return inMariadb(
    stack,
    `insert into queued_messages (server_id, message_id, locked_by, locked_at)
     values (99, 1, '${lockedBy}', ${lockedAt}); select last_insert_id()`,
  );
}

/** As the running worker would. */
async function lockAgain(id: string): Promise<void> {
  const lockedBy = 'host:postal-worker pid:1 thread:1 ef';
  await inMariadb(
    stack,
    `update queued_messages set locked_by = '${lockedBy}', locked_at = utc_timestamp(6) where id = ${id}`,
  );
}

/** Which of these rows are still locked. */
async function lockedAmong(...ids: readonly string[]): Promise<readonly string[]> {
  const sql = `select id from queued_messages where locked_at is not null and id in (${ids.join(', ')}) order by id`;
  return (await inMariadb(stack, sql)).split('\n').filter(Boolean);
}

beforeAll(async () => {
  stack = await runningStack();
}, longMs);

describe('the stack', () => {
  it(
    'frees what a worker of Postal that is gone has locked, and what the running one holds only once that one is stopped',
    { timeout: longMs },
    async () => {
      const gone = await lockedRow('host:gone pid:1 thread:1 ab', 'utc_timestamp(6) - interval 1 hour');
      const held = await lockedRow('host:postal-worker pid:1 thread:1 cd', 'utc_timestamp(6)');
      try {
        const { data } = await stack.json('postal', 'rescue', '--yes');
        expect(data).toMatchObject({ changed: 1, mail: { released: 1, settled: 0 }, left: 1 });
        expect(await lockedAmong(gone, held)).toEqual([held]);

        expect((await stack.json('restart', 'postal-worker', '--yes')).error).toBeUndefined();
        expect(await lockedAmong(gone, held)).toEqual([]);

        await lockAgain(held);
        await dockerSays(stack, 'rm', '--force', `${stack.name}-postal-worker-1`);
        expect((await stack.json('up', 'postal-worker', '--only', '--yes')).error).toBeUndefined();
        expect(await lockedAmong(gone, held)).toEqual([]);
        await until('the worker is well', async () => {
          return (await containerOf(stack, 'postal-worker')).health === 'healthy';
        });
      } finally {
        await inMariadb(stack, `delete from queued_messages where id in (${gone}, ${held})`);
      }
    },
  );
});

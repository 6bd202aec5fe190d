import { expect, it } from 'vitest';

import { openPostgres } from '../../src/adapters/postgres.ts';
import { testDatabase } from '../engines/postgres.ts';
import { silentPostgres } from '../engines/silent-line.ts';
import { addKey, call, runningApi } from '../integration/api/running-api.ts';
import { openRig } from '../integration/worker/rig.ts';
import { until } from '../store/until.ts';

const longestMs = 60_000;

it(
  'a worker whose connections to PostgreSQL are cut off without a word goes on over new ones, and hands over each message once',
  { timeout: 2 * longestMs },
  async () => {
    await using rig = await openRig();
    await using line = await silentPostgres(rig.address);
    await using db = openPostgres({ ...line.address, statementTimeoutMs: 1_000, answerTimeoutMs: 500 });
    await using worker = await rig.work({ WORKER_UPKEEP_INTERVAL: '20ms' }, { db });
    const before = await rig.submit();
    const arrives = (id: string) =>
      until(
        () => rig.recipients(id),
        (all) => all.every(({ state }) => state === 'delivered'),
        longestMs,
      );
    await arrives(before);

    expect(line.cut()).toBeGreaterThan(0);
    const after = await rig.submit({ to: ['after@example.test'] });
    await arrives(after);

    await worker.stop();
    expect(rig.postal.rows()).toHaveLength(2);
  },
);

it('an api whose connections are cut off answers that it cannot serve, and goes on over new ones', async () => {
  await using database = await testDatabase();
  await using line = await silentPostgres(database.address);
  await using db = openPostgres({ ...line.address, statementTimeoutMs: 1_000, answerTimeoutMs: 500 });
  await using api = await runningApi({}, { db });
  const { key } = await addKey(database.db, ['send']);
  const message = { from: 'a@acme.test', to: 'ann@example.test', text: 'x' };
  const send = () => call(api, 'POST', '/v1/messages', { key, body: message });
  expect((await send()).status).toBe(202);

  expect(line.cut()).toBeGreaterThan(0);
  expect(await send()).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
  // Each connection that was cut is found out by the first statement on it.
  await until(send, ({ status }) => status === 202, longestMs);
});

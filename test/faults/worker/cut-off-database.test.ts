import { expect, it } from 'vitest';

import { openPostgres } from '../../../src/adapters/postgres.ts';
import { openSilentLine } from '../../engines/silent-line.ts';
import { openRig } from '../../integration/worker/rig.ts';
import { until } from '../../store/until.ts';

const longestMs = 60_000;

it(
  'a worker whose connections to PostgreSQL are cut off without a word goes on over new ones, and hands over each message once',
  { timeout: 2 * longestMs },
  async () => {
    await using rig = await openRig();
    await using line = await openSilentLine(rig.address);
    await using db = openPostgres({ ...line.address, statementTimeoutMs: 1_000, answerTimeoutMs: 500 });
    await rig.work({ WORKER_UPKEEP_INTERVAL: '20ms' }, { db });
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

    expect(rig.postal.rows()).toHaveLength(2);
  },
);

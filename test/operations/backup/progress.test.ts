import { expect, it, vi } from 'vitest';

import { shownRate, sizeText } from '../../../src/operations/backup/progress.ts';
import type { Workplace } from '../../../src/operations/backup/workplace.ts';
import { standingClock } from '../../fakes/standing-clock.ts';

const megabyte = 1024 ** 2;

/** What is told of a dump that grows by 50 MB a second, ten seconds after it began. */
async function toldAfter(expected: number | undefined): Promise<string> {
  const clock = standingClock();
  const told: string[] = [];
  const place = {
    world: { clock },
    config: { BACKUP_PROGRESS_INTERVAL: 10_000 },
    tell: (remark: string) => told.push(remark),
  } as unknown as Workplace;
  await using _ = shownRate(place, {
    name: 'PostgreSQL',
    expected,
    bytes: () => (clock.monotonicMs() / 1000) * 50 * megabyte,
  });
  clock.advance(10_000);
  await vi.waitFor(() => expect(told).toHaveLength(1));
  return told.join();
}

it('tells the rate and, where the set before says how much comes, the time left', async () => {
  expect(await toldAfter(750 * megabyte)).toBe('PostgreSQL: 500 MB, 50.0 MB/s, 5 s left');
  expect(await toldAfter(undefined)).toBe('PostgreSQL: 500 MB, 50.0 MB/s');
});

it('never tells of less than no time, where more comes than the last time', async () => {
  expect(await toldAfter(megabyte)).toContain(', 0 s left');
});

it('writes sizes for people', () => {
  expect([0, 1023, 1536, 3 * 1024 ** 3].map(sizeText)).toEqual(['0 B', '1023 B', '1.5 KB', '3.0 GB']);
});

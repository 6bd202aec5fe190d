import { expect, it } from 'vitest';

import { keepOutOfWindow } from '../../../src/operations/backup/window.ts';
import type { Workplace } from '../../../src/operations/backup/workplace.ts';
import type { BackupSet } from '../../../src/operations/backup/sets.ts';
import { standingClock } from '../../fakes/standing-clock.ts';

/** A run that begins at that time of the day and lasted so many seconds the last time. */
function runAt(
  time: string,
  { postpone, seconds = 60 }: { readonly postpone: boolean; readonly seconds?: number },
) {
  const clock = standingClock(new Date(`2026-03-01T${time}:00Z`));
  const told: string[] = [];
  const place = {
    world: { clock },
    config: { BACKUP_AVOID: { from: 170, to: 210 } },
    stop: new AbortController().signal,
    tell: (remark: string) => told.push(remark),
  } as unknown as Workplace;
  const last = { manifest: { seconds } } as BackupSet;
  return { clock, told, begun: keepOutOfWindow(place, { last, postpone }) };
}

it('a run that would touch the time at which Postal drops its tables is refused', async () => {
  await expect(runAt('03:00', { postpone: false }).begun).rejects.toMatchObject({ code: 'refused' });
  const long = { postpone: false, seconds: 3600 };
  await expect(runAt('02:00', long).begun).rejects.toMatchObject({ code: 'refused' });
  await runAt('02:00', { postpone: false }).begun;
  await runAt('03:30', { postpone: false }).begun;
});

it('a run that may be postponed waits for the end of that time, and says until when', async () => {
  const { clock, told, begun } = runAt('03:00', { postpone: true });
  clock.advance(29 * 60_000);
  const soon = new Promise((resolve) => setImmediate(() => resolve('waits')));
  expect(await Promise.race([begun, soon])).toBe('waits');
  clock.advance(60_000);
  await begun;
  expect(told).toEqual([expect.stringContaining('2026-03-01T03:30:00.000Z')]);
});

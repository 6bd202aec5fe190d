import { endOfTouched } from '../../domain/daily-window.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { BackupSet } from './sets.ts';
import type { Workplace } from './workplace.ts';

/**
 * Sees to it that no dump runs while Postal drops its old raw tables. A run that would touch that time, as long as the last one took,
 * waits for its end with `postpone` and is `refused` without.
 */
export async function keepOutOfWindow(
  place: Workplace,
  { last, postpone }: { readonly last: BackupSet | undefined; readonly postpone: boolean },
): Promise<void> {
  const { world, config, stop, tell } = place;
  const lastsMs = (last?.manifest.seconds ?? 0) * 1000;
  const end = endOfTouched(config.BACKUP_AVOID, world.clock.now(), lastsMs);
  if (!end) return;
  if (!postpone) throw notNow(end);
  tell(`waiting until ${end.toISOString()}: Postal drops its old raw tables before`);
  await world.clock.sleep(end.getTime() - world.clock.now().getTime(), stop);
}

function notNow(end: Date): OperatorError {
  return new OperatorError(
    'refused',
    'Postal drops its old raw tables at 03:00 UTC, and a dump at that time breaks off',
    {
      hint: `Run it after ${end.toISOString()}, or let it wait: --postpone; the time is BACKUP_AVOID`,
      field: 'BACKUP_AVOID',
    },
  );
}

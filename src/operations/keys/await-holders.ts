import { fingerprintOf } from '../../domain/fingerprint.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { holdersWithout } from '../../store/secret-uses.ts';
import type { Holders } from './kind.ts';

/** A process that has not reported for so many looks is gone. */
const missedLooks = 6;

/** Waits until every living process of the rooms holds the secret. Throws `timed-out`, naming those that do not. */
export async function awaitHolders(
  world: Runtime,
  { rooms, variables }: Holders,
  secret: Secret,
): Promise<void> {
  const { SECRETS_RELOAD_INTERVAL: lookMs, KEYS_SWITCH_TIMEOUT: withinMs } = await world.config('operator');
  const db = await world.postgres();
  const fingerprint = fingerprintOf(secret);
  const endsMs = world.clock.monotonicMs() + withinMs;
  for (;;) {
    const want = { variables, fingerprint, withinMs: missedLooks * lookMs };
    const without = (await Promise.all(rooms.map((room) => holdersWithout(db, { ...want, room })))).flat();
    if (without.length === 0) return;
    if (world.clock.monotonicMs() >= endsMs) throw tooLate(without);
    await world.clock.sleep(Math.min(lookMs, 1000));
  }
}

function tooLate(without: readonly string[]): OperatorError {
  return new OperatorError('timed-out', `these do not have the new secret yet: ${without.join(', ')}`, {
    hint: 'Nothing is lost: see their logs, and run it again; it goes on from here',
  });
}

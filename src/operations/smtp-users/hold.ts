import type { Database } from '../../adapters/postgres.ts';
import { newId } from '../../domain/id.ts';
import type { Runtime } from '../../runtime.ts';
import { changeQueue, countAffected } from '../../store/queue-changes.ts';
import type { SmtpCredential } from '../../store/smtp-credentials.ts';
import type { Step } from '../plan.ts';

interface Hold {
  readonly step: Step;
  /** Recipients that were held. */
  held(): number;
}

/** Recipients held in one transaction. */
const batch = 1000;

/** A step that holds what a user has waiting in the queue; what is being sent, or at Postal, goes its way. */
export async function planHold(db: Database, user: Pick<SmtpCredential, 'id' | 'username'>): Promise<Hold> {
  const waiting = await countAffected(db, 'hold', { credentialId: user.id });
  let held = 0;
  const step: Step = {
    do: 'query',
    what: `hold what ${user.username} has in the queue: ${waiting} recipients now`,
    run: async (world) => {
      held = await holdAll(world, user);
    },
  };
  return { step, held: () => held };
}

async function holdAll(
  { postgres, clock, random }: Runtime,
  { id, username }: Pick<SmtpCredential, 'id' | 'username'>,
): Promise<number> {
  const db = await postgres();
  const at = clock.now();
  const recording = {
    at,
    eventId: () => newId('evt', at, random.bytes(10)),
    deliveryId: () => newId('whd', at, random.bytes(10)),
  };
  const change = {
    act: 'hold',
    filter: { credentialId: id },
    reason: `the SMTP user ${username} was disabled`,
    limit: batch,
  } as const;
  return changeQueue(db, change, recording);
}

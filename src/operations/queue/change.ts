import { readDurationFlag } from '../../domain/duration-flag.ts';
import { newId } from '../../domain/id.ts';
import type { Runtime } from '../../runtime.ts';
import { changeQueue, countAffected, type QueueAct, type QueueChange } from '../../store/queue-changes.ts';
import type { Plan } from '../plan.ts';
import { readActFilter, type WrittenFilter } from './filter.ts';

/** What an act on the queue did. */
export interface QueueChanged {
  /** Recipients that were changed; on a dry run, that would be. */
  readonly changed: number;
}

export interface WantedChange {
  readonly act: QueueAct;
  readonly which: WrittenFilter;
  readonly reason: string | undefined;
  /** How long a hold lasts; undefined is until it is released. */
  readonly holdFor: string | undefined;
}

const recipientsOfOneTransaction = 1000;

const words: Readonly<Record<QueueAct, string>> = {
  hold: 'Hold',
  release: 'Release',
  retry: 'Try again',
  drop: 'Drop for good',
};

/** Plans an act on everything that is not at Postal and matches. What is being sent, or is at Postal, is never touched. */
export async function planQueueChange(
  { postgres, clock }: Runtime,
  wanted: WantedChange,
): Promise<Plan<QueueChanged>> {
  const { act } = wanted;
  const filter = readActFilter(wanted.which);
  const until = untilOf(wanted.holdFor, clock.now());
  const expected = await countAffected(await postgres(), act, filter);
  const change = {
    act,
    filter,
    reason: wanted.reason ?? '',
    limit: recipientsOfOneTransaction,
    ...(until && { heldUntil: until }),
  };
  const what = `${words[act].toLowerCase()} ${expected} recipients${until ? ` until ${until.toISOString()}` : ''}`;
  let changed: number | undefined;
  return {
    title: expected === 0 ? `There is nothing to ${act}` : `${words[act]} ${expected} recipients`,
    ...(act === 'drop' &&
      expected > 0 && { confirm: `Drop ${expected} recipients? They will never be sent.` }),
    steps:
      expected === 0
        ? []
        : [{ do: act, what, run: async (world) => void (changed = await changeAll(world, change)) }],
    result: () => ({ changed: changed ?? expected }),
  };
}

async function changeAll({ postgres, clock, random }: Runtime, change: QueueChange): Promise<number> {
  const db = await postgres();
  const recording = {
    at: clock.now(),
    eventId: () => newId('evt', clock.now(), random.bytes(10)),
    deliveryId: () => newId('whd', clock.now(), random.bytes(10)),
  };
  return changeQueue(db, change, recording);
}

function untilOf(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  return new Date(now.getTime() + readDurationFlag('--for', text, '2h or 1d'));
}

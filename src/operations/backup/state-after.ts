import { isSettled } from '../../domain/restore-verdict.ts';
import type { RestoredState } from '../../store/restore.ts';
import type { DecidedRecipient } from './decide.ts';

/** What the operator decides of mail of which nobody knows whether it went out; held where neither is said. */
export type Unknowns = 'hold' | 'release' | 'drop';

type After = Pick<RestoredState, 'state' | 'detail'> | undefined;

/** What becomes of a recipient when the restore of a set is agreed to; nothing where it stays as it is. */
export function stateAfter(
  recipient: DecidedRecipient,
  unknowns: Unknowns,
  id: string,
): readonly RestoredState[] {
  const { messageId, position, verdict } = recipient;
  const after: Readonly<Record<typeof verdict, () => After>> = {
    settled: () => afterSettled(recipient, id),
    'not-sent': () =>
      recipient.before === 'held'
        ? { state: 'held', detail: `held before the restore of ${id}` }
        : sentAgain(recipient, id),
    unknown: () => afterDoubt(recipient, unknowns, id),
  };
  const found = after[verdict]();
  return found ? [{ messageId, position, ...found }] : [];
}

function afterSettled({ before, state: now }: DecidedRecipient, id: string): After {
  const state = isSettled(before) ? (before ?? 'accepted') : 'accepted';
  return state === now ? undefined : { state, detail: `it had gone out before the restore of ${id}` };
}

/** What waits to be handed over needs nothing for it. */
function sentAgain({ state }: DecidedRecipient, id: string): After {
  return isSettled(state)
    ? { state: 'queued', detail: `Postal forgot it by the restore of ${id}` }
    : undefined;
}

function afterDoubt(recipient: DecidedRecipient, unknowns: Unknowns, id: string): After {
  if (unknowns === 'release') {
    return recipient.isQueuedAtPostal
      ? { state: 'accepted', detail: `it goes on from Postal's queue, restored from ${id}` }
      : sentAgain(recipient, id);
  }
  const nobody = `nobody knows whether it had gone out before the restore of ${id}`;
  return unknowns === 'drop'
    ? { state: 'cancelled', detail: `dropped: ${nobody}` }
    : { state: 'held', detail: `${nobody}; release or drop it` };
}

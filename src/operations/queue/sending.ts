import { readDurationFlag } from '../../domain/duration-flag.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { pauseSending, resumeSending, sendingState } from '../../store/sending.ts';
import type { Plan } from '../plan.ts';

/** Whether pausing or resuming changed anything. */
export interface SendingChanged {
  readonly changed: 0 | 1;
}

interface WantedPause {
  readonly reason: string;
  /** Undefined is until it is resumed. */
  readonly lasting: string | undefined;
}

/** Plans a pause: messages are accepted and wait, what is under way is finished. */
export async function planPause(
  { clock }: Runtime,
  { reason, lasting }: WantedPause,
): Promise<Plan<SendingChanged>> {
  const until =
    lasting === undefined
      ? undefined
      : new Date(clock.now().getTime() + readDurationFlag('--for', lasting, '2h or 1d'));
  return {
    title: `Pause sending ${until ? `until ${until.toISOString()}` : 'until it is resumed'}`,
    steps: [
      {
        do: 'pause',
        what: `hand no message to Postal: ${reason}`,
        run: async ({ postgres }) => pauseSending(await postgres(), { reason, ...(until && { until }) }),
      },
    ],
    result: () => ({ changed: 1 }),
  };
}

/** Plans the end of a pause; without one there is nothing to do. */
export async function planResume({ postgres }: Runtime): Promise<Plan<SendingChanged>> {
  const sending = await sendingState(await postgres());
  if (sending?.pausedReason?.startsWith('restored from ')) throw restored(sending.pausedReason);
  const isPaused = sending?.pausedAt != null;
  return {
    title: isPaused ? 'Resume sending' : 'Sending is not paused',
    steps: isPaused
      ? [
          {
            do: 'resume',
            what: 'hand messages to Postal again',
            run: async (world) => void (await resumeSending(await world.postgres())),
          },
        ]
      : [],
    result: () => ({ changed: isPaused ? 1 : 0 }),
  };
}

function restored(reason: string): OperatorError {
  return new OperatorError('refused', `sending is paused because the database was ${reason}`, {
    hint: 'Resuming would send again what went out since the dump: commit or abort the restore',
  });
}

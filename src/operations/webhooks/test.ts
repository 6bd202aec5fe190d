import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { type DeliveryStanding, findDelivery } from '../../store/webhook-list.ts';
import { testWebhookEndpoint } from '../../upkeep/access.ts';
import type { Plan } from '../plan.ts';
import { requireEndpoint } from './show.ts';

/** How a test of an endpoint went. */
export interface EndpointTested {
  readonly changed: number;
  /** What the endpoint answered; null where none is known. */
  readonly status: number | null;
}

/** Plans a test of an endpoint by the worker. Throws `usage` when there is none of this id or it is stopped. */
export async function planEndpointTest({ postgres }: Runtime, id: string): Promise<Plan<EndpointTested>> {
  const { url, pausedAt, disabledAt } = await requireEndpoint(await postgres(), id);
  if (pausedAt ?? disabledAt)
    throw new OperatorError(
      'usage',
      `nothing is sent to ${url} while it is ${disabledAt ? 'disabled' : 'paused'}`,
      {
        hint: `Let it have webhooks again: mailctl webhooks resume ${id}`,
        field: 'id',
      },
    );
  let status: number | null = null;
  return {
    title: `Test ${url}`,
    steps: [
      {
        do: 'test-endpoint',
        what: `have the worker send a signed webhook.test to ${url}, once, and wait for the answer`,
        run: async (world) => {
          status = await test(world, id);
        },
      },
    ],
    result: () => ({ changed: status === null ? 0 : 1, status }),
  };
}

async function test(
  { postgres, clock, random, config }: Runtime,
  endpointId: string,
): Promise<number | null> {
  const { E2E_POLL_INTERVAL: pollMs, E2E_TIMEOUT: withinMs } = await config('operator');
  const db = await postgres();
  const id = await testWebhookEndpoint({ db, clock, random }, endpointId);
  const endMs = clock.monotonicMs() + withinMs;
  let seen = await findDelivery(db, id);
  while (seen?.state === 'waiting' && clock.monotonicMs() < endMs) {
    await clock.sleep(pollMs);
    seen = await findDelivery(db, id);
  }
  if (seen?.state === 'delivered') return seen.lastStatus;
  throw failure(seen);
}

function failure(seen: DeliveryStanding | undefined): OperatorError {
  if (seen?.state === 'dead')
    return new OperatorError(
      'check-failed',
      `the test did not arrive: ${seen.lastError ?? 'no reason is known'}`,
      {
        hint: 'Mend the endpoint; a private address needs WEBHOOK_ALLOWED_ADDRESSES',
      },
    );
  return new OperatorError('timed-out', 'the worker has not sent the test yet', {
    hint: 'See whether a worker runs, and whether the endpoint failed several times in a row before',
  });
}

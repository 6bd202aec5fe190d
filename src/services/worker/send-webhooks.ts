import type { ConfigOf } from '../../config/environment.ts';
import {
  type ClaimedWebhook,
  claimWebhooks,
  disableEndpoint,
  recordAttempt,
  unclaimWebhooks,
} from '../../store/webhook-deliveries.ts';
import { notify } from '../../upkeep/notify.ts';
import type { CallOutcome, Ticket } from '../breaker.ts';
import type { Work } from '../loop.ts';
import { openSlots, type Slots } from '../slots.ts';
import { type Call, callEndpoint, type CallRoom } from './call-endpoint.ts';
import type { EndpointGates } from './endpoint-gates.ts';
import type { Figures } from './figures.ts';
import { freshId, type Room } from './room.ts';

/** What sending webhooks to AMS needs. */
export type WebhookRoom = Room &
  CallRoom & {
    readonly gates: EndpointGates;
    readonly config: Pick<
      ConfigOf<'worker'>,
      | 'WEBHOOK_CONCURRENCY'
      | 'WEBHOOK_ENDPOINT_CONCURRENCY'
      | 'WEBHOOK_TIMEOUT'
      | 'WORKER_LEASE'
      | 'WORKER_POLL_INTERVAL'
      | 'ADMIN_EMAIL'
      | 'MAIL_DOMAIN'
    >;
    readonly figures: Pick<Figures, 'sent'>;
  };

/** Sends what is due to AMS's endpoints, each endpoint for itself. */
export function webhookSending(room: WebhookRoom): Work {
  const slots = openSlots(room.config.WEBHOOK_CONCURRENCY, room.clock, (error) =>
    room.log.error('a webhook broke off; it is tried again when its lease ends', { error }),
  );
  return {
    turn: async () => {
      const claimed = slots.free() > 0 ? await claim(room, slots.free()) : [];
      const launched = await launch(room, claimed, slots);
      if (launched === 0 && slots.free() === room.config.WEBHOOK_CONCURRENCY) return false;
      await slots.freed(room.config.WORKER_POLL_INTERVAL);
      return true;
    },
    finish: slots.drained,
    oldestMs: slots.oldestMs,
  };
}

function claim({ db, config, gates }: WebhookRoom, limit: number): Promise<readonly ClaimedWebhook[]> {
  return claimWebhooks(db, {
    limit,
    places: config.WEBHOOK_CONCURRENCY,
    perEndpoint: config.WEBHOOK_ENDPOINT_CONCURRENCY,
    leaseMs: config.WEBHOOK_TIMEOUT + config.WORKER_LEASE,
    standings: gates.standings(),
  });
}

async function launch(room: WebhookRoom, claimed: readonly ClaimedWebhook[], slots: Slots): Promise<number> {
  const refused: ClaimedWebhook[] = [];
  for (const webhook of claimed) {
    const ticket = room.gates.enter(webhook.endpointId);
    if (ticket) slots.start(() => send(room, webhook, ticket));
    else refused.push(webhook);
  }
  if (refused.length > 0) await unclaimWebhooks(room.db, refused);
  return claimed.length - refused.length;
}

async function send(room: WebhookRoom, webhook: ClaimedWebhook, ticket: Ticket): Promise<void> {
  let outcome: CallOutcome = 'failed';
  try {
    const call = await callEndpoint(room, webhook);
    outcome = call.outcome;
    await settleCall(room, webhook, call);
  } finally {
    room.gates.leave(webhook.endpointId, ticket, outcome);
  }
}

async function settleCall(
  room: WebhookRoom,
  webhook: ClaimedWebhook,
  { attempt, isGone }: Call,
): Promise<void> {
  const fields = {
    webhook_id: webhook.id,
    endpoint_id: webhook.endpointId,
    status: attempt.status,
    error: attempt.error,
  };
  await recordAttempt(room.db, attempt);
  if (isGone) {
    await disableGone(room, webhook);
    room.log.error('an endpoint is gone and was disabled; what waits for it stays', fields);
    return room.figures.sent('gone');
  }
  if (attempt.next.state === 'delivered') return room.figures.sent('delivered');
  if (attempt.next.state === 'waiting') return room.figures.sent('retried');
  room.log.error(
    'a webhook is dead after the whole schedule; see: mailctl webhooks deliveries --state dead',
    fields,
  );
  return room.figures.sent('dead');
}

/** The administrator is written to once, whoever else is told 410 at the same time. */
function disableGone(room: WebhookRoom, { endpointId, url }: ClaimedWebhook): Promise<void> {
  const { ADMIN_EMAIL: to, MAIL_DOMAIN: domain } = room.config;
  return room.db.transaction(async (within) => {
    if (!(await disableEndpoint(within, endpointId, 'it answered 410 Gone'))) return;
    const notice = {
      subject: `Webhook endpoint ${endpointId} was disabled`,
      lines: [
        `${new URL(url).host} answered 410 Gone: it wants no more webhooks, and none is sent to it.`,
        'What waits for it is kept. What happens from now on is not queued for it until it is resumed.',
        '',
        `Send to it again:  mailctl webhooks resume ${endpointId}`,
        `Remove it:         mailctl webhooks remove ${endpointId}`,
      ],
    };
    await notify(within, notice, { id: freshId(room, 'msg'), at: room.clock.now(), to, domain });
  });
}

import { count, duration, listen, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Worker';
const readBy = ['worker'] as const;

/** The worker: its turns, its leases and its retries. */
export const worker = {
  WORKER_HEALTH_LISTEN: variable(listen, {
    section,
    readBy: ['worker', 'operator'],
    means: 'Health and metrics of the worker',
    fallback: '127.0.0.1:9103',
  }),
  WORKER_POLL_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How long a loop that found nothing waits',
    fallback: '1s',
  }),
  WORKER_ERROR_WAIT_MAX: variable(wait, {
    section,
    readBy,
    means: 'Longest wait of a loop that fails, such as without the database',
    fallback: '15s',
  }),
  WORKER_DIGEST_BATCH: variable(count(1, 10_000), {
    section,
    readBy,
    means:
      "Postal's webhooks worked out in one transaction: in a larger one each costs less, but those that come in meanwhile wait longer",
    fallback: '50',
  }),
  WORKER_DIGEST_REST: variable(count(0, 100), {
    section,
    readBy,
    means:
      'Rest after a full batch of webhooks, in times as long as it took, while as many came in as it had; in proportion less when fewer did, and never longer than WORKER_POLL_INTERVAL',
    fallback: '6',
  }),
  WORKER_UPKEEP_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'Time between two rounds of upkeep: partitions, retention, figures',
    fallback: '15s',
  }),
  WORKER_BATCH: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Messages one claim takes',
    fallback: '20',
  }),
  WORKER_LOW_PRIORITY_DELAY: variable(duration, {
    section,
    readBy,
    means:
      'How long what is of low priority stands back; after that it gets a part of each claim, however much else waits',
    fallback: '1h',
  }),
  WORKER_LEASE: variable(duration, {
    section,
    readBy,
    means: 'How long a claimed message is out of the reach of other workers',
    fallback: '3m',
  }),
  WORKER_RECORD_INTERVAL: variable(wait, {
    section,
    readBy,
    means:
      'Shortest time between two transactions that write down what Postal said; a crash leaves what it said meanwhile to be looked up',
    fallback: '50ms',
  }),
  WORKER_STALL_AFTER: variable(duration, {
    section,
    readBy,
    means:
      'Time after which the worker is unhealthy: a loop without progress, or (POSTAL_SETTLE_TIME later) a due message that nobody takes though nothing stands in its way',
    fallback: '2m',
  }),
  WORKER_SHUTDOWN_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long hand-overs may finish after SIGTERM',
    fallback: '90s',
  }),
  DELIVERY_RETRY_BASE: variable(wait, {
    section,
    readBy,
    means:
      'First wait after a temporary failure, and after POSTAL_SETTLE_TIME when an end was unclear again; doubled each time, with jitter',
    fallback: '30s',
  }),
  DELIVERY_RETRY_MAX: variable(wait, {
    section,
    readBy,
    means: 'Longest wait between two attempts',
    fallback: '1h',
  }),
  DELIVERY_GIVE_UP_AFTER: variable(duration, {
    section,
    readBy,
    means:
      'Time since its first attempt after which a message fails that Postal could not take once more; while nothing gets through none fails',
    fallback: '5d',
  }),
  RETENTION_BODIES: variable(duration, {
    section,
    readBy,
    means: 'How long the octets of a message are kept once it can no longer be sent',
    fallback: '14d',
  }),
  RETENTION_MESSAGES: variable(duration, {
    section,
    readBy,
    means:
      'How long messages and their events are kept, counted from the last change; what waits or is on hold stays, what failed goes with its octets',
    fallback: '90d',
  }),
  RETENTION_POSTAL_WEBHOOKS: variable(duration, {
    section,
    readBy,
    means: "How long Postal's webhooks are kept once they are worked out",
    fallback: '30d',
  }),
  RETENTION_WEBHOOK_DELIVERIES: variable(duration, {
    section,
    readBy,
    means: 'How long webhooks that AMS took are kept',
    fallback: '30d',
  }),
  RETENTION_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'Time between two rounds of removing what is too old',
    fallback: '1h',
  }),
  RETENTION_BATCH: variable(count(1, 1_000_000), {
    section,
    readBy,
    means: 'Rows that one statement of a round removes',
    fallback: '5000',
  }),
  RETENTION_LOCK_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long dropping a day of bodies waits for readers before it gives up until the next round',
    fallback: '2s',
  }),
};

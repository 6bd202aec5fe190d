import { count, duration, durations, list, secret } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Webhooks to AMS';
const readBy = ['worker'] as const;

/** Signed events to the mail client's endpoints. */
export const webhooks = {
  WEBHOOK_SEALING_KEY: variable(secret, {
    section,
    readBy: ['api', 'worker', 'operator'],
    means: "Seals the endpoints' signing secrets in the database",
    secret: true,
    generated: true,
  }),
  WEBHOOK_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'How long an endpoint may take to answer',
    fallback: '15s',
  }),
  WEBHOOK_CONCURRENCY: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Webhooks under way at once',
    fallback: '20',
  }),
  WEBHOOK_RETRY_SCHEDULE: variable(durations, {
    section,
    readBy,
    means: 'Waits between attempts, each with full jitter; then the dead-letter list',
    fallback: '5s,1m,5m,30m,2h,5h,10h,14h,20h,24h',
  }),
  WEBHOOK_ALLOWED_ADDRESSES: variable(list, {
    section,
    readBy,
    means: 'Private addresses (CIDR) that webhooks may go to; others are refused',
    fallback: '',
  }),
};

import { isCidr } from '../../domain/ip-address.ts';
import { count, durations, list, secret, size, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Webhooks to AMS';
const readBy = ['worker'] as const;

const cidrs = list.refine((words) => words.every(isCidr), {
  error: 'holds something that is no address range: write 10.0.0.0/8,192.168.1.7',
});

/** Signed events to the mail client's endpoints. */
export const webhooks = {
  WEBHOOK_SEALING_KEY: variable(secret, {
    section,
    readBy: ['api', 'worker', 'operator'],
    means: "Seals the endpoints' signing secrets in the database",
    secret: true,
    generated: true,
  }),
  WEBHOOK_TIMEOUT: variable(wait, {
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
  WEBHOOK_CONNECT_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long connecting to an endpoint may take',
    fallback: '5s',
  }),
  WEBHOOK_ENDPOINT_CONCURRENCY: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Webhooks under way at once to one endpoint',
    fallback: '5',
  }),
  WEBHOOK_MAX_ANSWER_BYTES: variable(size, {
    section,
    readBy,
    means: 'Longest answer of an endpoint that is read; it is the status that counts',
    fallback: '64KB',
  }),
  WEBHOOK_BREAKER_FAILURES: variable(count(1), {
    section,
    readBy,
    means: 'Failures in a row after which an endpoint is left alone for a while',
    fallback: '5',
  }),
  WEBHOOK_BREAKER_OPEN: variable(wait, {
    section,
    readBy,
    means: 'How long it is left alone the first time; doubled while its probe fails',
    fallback: '5s',
  }),
  WEBHOOK_BREAKER_OPEN_MAX: variable(wait, {
    section,
    readBy,
    means: 'Longest time an endpoint is left alone between two probes',
    fallback: '10m',
  }),
  WEBHOOK_RETRY_SCHEDULE: variable(durations, {
    section,
    readBy,
    means:
      'Waits between attempts, each with full jitter, so that half their sum passes on the mean; then the dead-letter list',
    fallback: '5s,1m,5m,30m,2h,5h,10h,14h,20h,24h,24h,24h,24h',
  }),
  WEBHOOK_ALLOWED_ADDRESSES: variable(cidrs, {
    section,
    readBy: ['worker', 'operator'],
    means: 'Private addresses (CIDR) that webhooks may go to; others are refused',
    fallback: '',
  }),
};

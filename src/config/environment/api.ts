import { count, duration, list, listen, secret, size, wait, webUrl } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'API';
const readBy = ['api'] as const;

/** The HTTP api: its listeners and limits. */
export const api = {
  API_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Public listener, behind the proxy',
    fallback: '0.0.0.0:8080',
  }),
  API_INTERNAL_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Listener for the relay alone; never proxied',
    fallback: '127.0.0.1:8081',
  }),
  API_HEALTH_LISTEN: variable(listen, {
    section,
    readBy: ['api', 'operator'],
    means: 'Health and metrics of the api',
    fallback: '127.0.0.1:9102',
  }),
  API_URL: variable(webUrl, {
    section,
    readBy: ['worker', 'operator'],
    means: 'Where clients, Postal and one-click links reach the api; mail providers take only https',
    generated: true,
  }),
  API_INTERNAL_URL: variable(webUrl, {
    section,
    readBy: ['relay'],
    means: 'Where the relay reaches API_INTERNAL_LISTEN',
    fallback: 'http://127.0.0.1:8081',
  }),
  API_INTERNAL_TOKEN: variable(secret, {
    section,
    readBy: ['relay', 'api', 'operator'],
    means: 'What the relay shows the api to be believed',
    secret: true,
    generated: true,
    rotates: true,
  }),
  API_INTERNAL_TOKEN_ALSO: variable(secret, {
    section,
    readBy,
    means: 'Another value that the api believes: the next or the last one, while API_INTERNAL_TOKEN rotates',
    secret: true,
    optional: true,
    rotates: true,
  }),
  API_INTERNAL_TIMEOUT: variable(wait, {
    section,
    readBy: ['relay'],
    means: 'How long the relay waits for the api to answer',
    fallback: '10s',
  }),
  API_INTERNAL_MAX_BODY_BYTES: variable(size, {
    section,
    readBy,
    means: 'Largest batch that the relay may hand over; more than its largest message',
    fallback: '128MB',
  }),
  API_TRUSTED_PROXIES: variable(list, {
    section,
    readBy: ['api', 'operator'],
    means: "Addresses (CIDR) of proxies whose X-Forwarded-For tells the client's address",
    fallback: '',
  }),
  API_RATE_LIMIT: variable(count(1), {
    section,
    readBy,
    means: 'Requests one API key, or one address that shows none, may make in API_RATE_PERIOD',
    fallback: '600',
  }),
  API_RATE_PERIOD: variable(duration, {
    section,
    readBy,
    means: 'Length of the rate-limit window',
    fallback: '1m',
  }),
  API_BURST_LIMIT: variable(count(0), {
    section,
    readBy,
    means: 'Requests allowed at once on top of the steady rate',
    fallback: '100',
  }),
  API_FAILURE_LIMIT: variable(count(1), {
    section,
    readBy,
    means: 'Requests with a wrong key or signature one address may make in API_RATE_PERIOD',
    fallback: '60',
  }),
  API_RATE_CLIENTS: variable(count(1), {
    section,
    readBy,
    means: 'Keys and addresses whose rate one process remembers',
    fallback: '100000',
  }),
  API_KEY_USE_INTERVAL: variable(wait, {
    section,
    readBy: ['api', 'operator'],
    means:
      'How often the last use of keys is written down; an old key is accepted for twice as long at least',
    fallback: '1m',
  }),
  API_MAX_BODY_BYTES: variable(size, {
    section,
    readBy: ['api', 'operator'],
    means: 'Largest request body',
    fallback: '40MB',
  }),
  API_MAX_JSON_DEPTH: variable(count(2), {
    section,
    readBy,
    means: 'Objects and arrays that may be nested in a request',
    fallback: '16',
  }),
  API_MAX_SCHEDULE: variable(duration, {
    section,
    readBy,
    means: 'How far ahead send_at may lie',
    fallback: '90d',
  }),
  API_MAX_BATCH: variable(count(1), {
    section,
    readBy,
    means: 'Messages in one batch',
    fallback: '100',
  }),
  API_MAX_RECIPIENTS: variable(count(1), {
    section,
    readBy,
    means: 'Recipients of one message over HTTP',
    fallback: '50',
  }),
  API_REQUEST_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Longest time a request may take to arrive',
    fallback: '60s',
  }),
  API_SHUTDOWN_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long requests may finish after SIGTERM',
    fallback: '30s',
  }),
  DAILY_LIMIT: variable(count(1), {
    section,
    readBy,
    means: 'Messages an SMTP user without a limit of its own may send in one UTC day',
    optional: true,
  }),
  IDEMPOTENCY_WINDOW: variable(duration, {
    section,
    readBy,
    means: 'How long an Idempotency-Key is remembered',
    fallback: '24h',
  }),
  BODY_DAYS_AHEAD: variable(count(1), {
    section,
    readBy,
    means: 'Days for which partitions of message bodies are made in advance',
    fallback: '7',
  }),
};

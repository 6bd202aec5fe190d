import { counter, histogram, type Registry } from '../metrics.ts';

/** How a webhook that claims to come from Postal ended. */
export type WebhookInResult =
  | 'accepted'
  | 'replayed'
  | 'forged'
  | 'wrong_token'
  | 'unknown_key'
  | 'expired_key'
  /** No key could be had, so nobody knows; Postal sends it again. */
  | 'unverifiable'
  | 'quarantined';

const webhookInResults: readonly WebhookInResult[] = [
  'accepted',
  'replayed',
  'forged',
  'wrong_token',
  'unknown_key',
  'expired_key',
  'unverifiable',
  'quarantined',
];

export type ApiMetrics = ReturnType<typeof openApiMetrics>;

/** The figures of the api. */
export function openApiMetrics(registry: Registry) {
  const webhookIn = counter(registry, {
    name: 'mailctl_webhook_in_total',
    help: "Requests on Postal's webhook path by how they ended",
    labels: ['result'],
  });
  webhookInResults.forEach((result) => webhookIn.inc({ result }, 0));
  return { webhookIn, ...requestMetrics(registry), ...messageMetrics(registry) };
}

/** An answered request. */
export interface AnsweredRequest {
  readonly listener: string;
  readonly route: string;
  readonly method: string;
  readonly status: number;
  /** From its head to the end of its answer. */
  readonly ms: number;
}

/** Counts it, and how long it took. */
export function countRequest(
  { requests, seconds }: Pick<ApiMetrics, 'requests' | 'seconds'>,
  { listener, route, method, status, ms }: AnsweredRequest,
): void {
  requests.inc({ listener, route, method, status });
  seconds.observe({ listener, route }, ms / 1000);
}

function requestMetrics(registry: Registry) {
  return {
    requests: counter(registry, {
      name: 'mailctl_http_requests_total',
      help: 'Answered requests',
      labels: ['listener', 'route', 'method', 'status'],
    }),
    seconds: histogram(registry, {
      name: 'mailctl_http_request_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labels: ['listener', 'route'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    }),
    refusedKeys: counter(registry, {
      name: 'mailctl_api_key_refused_total',
      help: 'Requests refused because of their API key',
      labels: ['code'],
    }),
    limited: counter(registry, {
      name: 'mailctl_api_rate_limited_total',
      help: 'Requests refused because there were too many',
      labels: ['limit'],
    }),
  };
}

function messageMetrics(registry: Registry) {
  return {
    messages: counter(registry, {
      name: 'mailctl_messages_stored_total',
      help: 'Messages stored, by where they came from',
      labels: ['source'],
    }),
    verdicts: counter(registry, {
      name: 'mailctl_intake_verdicts_total',
      help: "Verdicts on the relay's submissions",
      labels: ['verdict'],
    }),
    smtpAuth: counter(registry, {
      name: 'mailctl_smtp_auth_total',
      help: 'Passwords checked for the relay',
      labels: ['outcome'],
    }),
  };
}

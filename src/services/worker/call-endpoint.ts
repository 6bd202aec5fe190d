import type { Http, HttpEnd } from '../../adapters/http.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { retryAfterMs, scheduledMs } from '../../domain/backoff.ts';
import { unsealSecret } from '../../domain/sealed-secret.ts';
import type { Secret } from '../../domain/secret.ts';
import { webhookHeaders } from '../../domain/webhook-signature.ts';
import type { ClaimedWebhook, WebhookAttempt } from '../../store/webhook-deliveries.ts';
import type { CallOutcome } from '../breaker.ts';
import type { Room } from './room.ts';

/** What sending one webhook needs. */
export interface CallRoom extends Pick<Room, 'clock' | 'random'> {
  readonly http: Http;
  readonly config: Pick<
    ConfigOf<'worker'>,
    'WEBHOOK_SEALING_KEY' | 'WEBHOOK_TIMEOUT' | 'WEBHOOK_RETRY_SCHEDULE'
  >;
}

/** How one call ended: what to write down, what it tells of the endpoint, and whether that wants no more (410). */
export interface Call {
  readonly attempt: WebhookAttempt;
  readonly outcome: CallOutcome;
  readonly isGone: boolean;
}

/** Signs a webhook with every secret that is valid now and posts it once. */
export async function callEndpoint(room: CallRoom, webhook: ClaimedWebhook): Promise<Call> {
  const at = room.clock.now();
  const secrets = secretsOf(webhook, room.config.WEBHOOK_SEALING_KEY, at);
  if (!secrets.ok) return failed(room, webhook, { error: secrets.why, outcome: 'unused' });
  const ended = await room.http.exchange({
    method: 'POST',
    url: webhook.url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'mailctl',
      ...webhookHeaders({ id: webhook.eventId, at, body: webhook.body }, secrets.secrets),
    },
    body: webhook.body,
    withinMs: room.config.WEBHOOK_TIMEOUT,
  });
  return judge(room, webhook, ended);
}

type Secrets =
  | { readonly ok: true; readonly secrets: readonly Secret[] }
  | { readonly ok: false; readonly why: string };

/** A secret signs up to its end; without one that signs, nothing is sent: it waits as for an endpoint that does not answer. */
function secretsOf(webhook: ClaimedWebhook, key: Secret, now: Date): Secrets {
  const {
    endpointId: owner,
    sealedSecret,
    sealedPreviousSecret,
    secretExpiresAt,
    previousExpiresAt,
  } = webhook;
  const current = unsealSecret(sealedSecret, { key, owner });
  if (!current.ok) return { ok: false, why: `the endpoint's secret cannot be opened: ${current.why}` };
  const previous = sealedPreviousSecret && unsealSecret(sealedPreviousSecret, { key, owner });
  const secrets = [
    ...(isOver(secretExpiresAt, now) ? [] : [current.secret]),
    ...(previous?.ok && !isOver(previousExpiresAt, now) ? [previous.secret] : []),
  ];
  if (secrets.length > 0) return { ok: true, secrets };
  const since = secretExpiresAt?.toISOString();
  return {
    ok: false,
    why: `key-expired: its secret signs no more since ${since}: mailctl keys rotate ${owner}`,
  };
}

function isOver(end: Date | null, now: Date): boolean {
  return end !== null && end <= now;
}

function judge(room: CallRoom, webhook: ClaimedWebhook, ended: HttpEnd): Call {
  if (ended.end !== 'answered') return failed(room, webhook, { error: ended.why, outcome: 'failed' });
  const { status, headers } = ended;
  if (status >= 200 && status < 300) {
    const attempt = { id: webhook.id, attempts: webhook.attempts, status, error: undefined };
    return { attempt: { ...attempt, next: { state: 'delivered' } }, outcome: 'answered', isGone: false };
  }
  const waitMs = retryAfterMs(headers['retry-after'], room.clock.now());
  return failed(room, webhook, {
    error: `the endpoint answered ${status}`,
    status,
    outcome: status < 500 ? 'answered' : 'failed',
    ...(waitMs !== undefined && { waitMs }),
  });
}

interface Failure {
  readonly error: string;
  readonly status?: number;
  readonly outcome: CallOutcome;
  readonly waitMs?: number;
}

/** The next step of the schedule, or later if the endpoint asks so, but never later than the longest step. */
function failed(
  room: CallRoom,
  webhook: ClaimedWebhook,
  { error, status, outcome, waitMs = 0 }: Failure,
): Call {
  const schedule = room.config.WEBHOOK_RETRY_SCHEDULE;
  const inMs = webhook.isTest ? undefined : scheduledMs(schedule, webhook.attempts, room.random.fraction());
  const asked = Math.min(waitMs, Math.max(...schedule));
  const next: WebhookAttempt['next'] =
    inMs === undefined ? { state: 'dead' } : { state: 'waiting', inMs: Math.max(inMs, asked) };
  const attempt = { id: webhook.id, attempts: webhook.attempts, status, error: error.slice(0, 300), next };
  return { attempt, outcome, isGone: status === 410 };
}

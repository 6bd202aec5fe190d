import type { Clock } from '../../../adapters/clock.ts';
import { formatMessageRate, type MessageRate } from '../../../domain/message-rate.ts';
import { type RateDecision, takeOne } from '../../../domain/rate-limit.ts';
import { takeShared } from '../../../upkeep/shared-rate.ts';
import type { SharedCounting } from '../../shared-counting.ts';
import type { Said } from '../replies.ts';
import type { Credential } from '../session.ts';
import { type BoundedMap, openBoundedMap } from './bounded-map.ts';

type Soon<T> = T | Promise<T>;

/** How many messages a credential may begin. */
export interface Quotas {
  /** Takes one; else what the client is told. */
  take(credential: Credential): Soon<Said | undefined>;
}

export interface QuotasOptions {
  readonly clock: Clock;
  readonly shared: SharedCounting;
  /** Credentials that are remembered at once. */
  readonly capacity: number;
}

interface State {
  readonly options: QuotasOptions;
  readonly rates: BoundedMap<number>;
  /** Messages begun here since the api last said how many were sent. */
  readonly begun: BoundedMap<{ readonly since: string; readonly messages: number }>;
}

/**
 * Rates are counted in Redis, where there is one. Of a day's limit the api knows what was sent when it last answered for the
 * credential, which is at most SMTP_AUTH_CACHE_TTL ago; what was begun here since comes on top of it.
 */
export function openQuotas(options: QuotasOptions): Quotas {
  const { capacity } = options;
  const state: State = { options, rates: openBoundedMap(capacity), begun: openBoundedMap(capacity) };
  return { take: (credential) => take(state, credential) };
}

function take(state: State, credential: Credential): Soon<Said | undefined> {
  const refusal = refusalOfDay(state, credential);
  if (refusal) return refusal;
  const { rate } = credential;
  if (!rate) return begin(state, credential);
  const decision = takeFromRate(state, credential.id, rate);
  const settle = (taken: RateDecision) =>
    taken.allowed ? begin(state, credential) : refusalOfRate(rate, taken.retryAfterMs);
  return decision instanceof Promise ? decision.then(settle) : settle(decision);
}

/** The whole rate may be used at once, and grows back evenly. */
function takeFromRate(
  { options, rates }: State,
  id: string,
  { messages, periodMs }: MessageRate,
): Soon<RateDecision> {
  const policy = { limit: messages, periodMs, burst: messages - 1 };
  const alone = takeOne(policy, rates.get(id), options.clock.monotonicMs());
  rates.set(id, alone.fullAtMs);
  return options.shared.ask(
    (redis) => takeShared(redis, `smtp:${id}`, policy),
    () => alone,
  );
}

function refusalOfDay(state: State, credential: Credential): Said | undefined {
  const { daily } = credential;
  if (!daily) return undefined;
  const now = state.options.clock.now();
  const sent = dayOf(new Date(daily.at)) === dayOf(now) ? daily.sent : 0;
  if (sent + begunSince(state, credential) < daily.limit) return undefined;
  const tomorrow = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  const values = { limit: daily.limit, seconds: inSeconds(tomorrow - now.getTime()) };
  return { reply: 'dailyLimit', values };
}

function refusalOfRate(rate: MessageRate, retryMs: number): Said {
  return { reply: 'rateLimit', values: { rate: formatMessageRate(rate), seconds: inSeconds(retryMs) } };
}

function begin(state: State, credential: Credential): undefined {
  if (!credential.daily) return undefined;
  const messages = begunSince(state, credential) + 1;
  state.begun.set(credential.id, { since: countedFrom(state, credential.daily), messages });
  return undefined;
}

function begunSince({ begun, options }: State, { id, daily }: Credential): number {
  const kept = begun.get(id);
  return daily && kept?.since === countedFrom({ options }, daily) ? kept.messages : 0;
}

/** What is begun counts anew from each answer of the api, and from midnight. */
function countedFrom({ options }: Pick<State, 'options'>, { at }: { readonly at: string }): string {
  return `${at} ${dayOf(options.clock.now())}`;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function inSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

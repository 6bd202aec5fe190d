import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';
import type { Redis } from '../adapters/redis.ts';
import { gauge, type Registry } from './metrics.ts';

type Soon<T> = T | Promise<T>;

/** Counting in a Redis that may go away: no question takes longer than Redis may. */
export interface SharedCounting {
  /** What Redis answers, or `instead` where there is none or it does not answer. */
  ask<T>(ask: (redis: Redis) => Promise<T>, instead: () => T): Soon<T>;
  /** True where there should be a Redis at all. */
  readonly isShared: boolean;
  /** True while a Redis that there should be does not answer. */
  isDegraded(): boolean;
  stop(): Promise<void>;
}

export interface SharedCountingOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
  /** Without one each process counts alone, and that is no trouble. */
  readonly redis: Redis | undefined;
  readonly retryMs: number;
  /** Tells a Redis that is new, or is back, what it may not know. */
  refill(redis: Redis): Promise<void>;
}

interface State {
  readonly options: SharedCountingOptions;
  readonly stopped: AbortController;
  degraded: boolean;
  returning: Promise<void>;
}

/** Asks Redis until it does not answer once; from then on nobody waits for it, and it is tried every `retryMs`. */
export function openSharedCounting(options: SharedCountingOptions): SharedCounting {
  const stopped = new AbortController();
  const state: State = { options, stopped, degraded: false, returning: Promise.resolve() };
  const { redis } = options;
  redis?.onReady(() => void learnAnew(state, redis));
  if (redis) state.returning = learnAnew(state, redis);
  return {
    ask: (ask, instead) => {
      if (!redis || state.degraded) return instead();
      return ask(redis).catch((error: unknown) => {
        degrade(state, redis, error);
        return instead();
      });
    },
    isShared: redis !== undefined,
    isDegraded: () => state.degraded,
    stop: async () => {
      stopped.abort();
      await state.returning;
    },
  };
}

/** The metric that tells whether counting is degraded. */
export function exposeDegradation(registry: Registry, counting: Pick<SharedCounting, 'isDegraded'>): void {
  gauge(registry, {
    name: 'mailctl_limiter_degraded',
    help: '1 while Redis should count and does not answer',
    labels: [],
    collect() {
      this.set(counting.isDegraded() ? 1 : 0);
    },
  });
}

function degrade(state: State, redis: Redis, error: unknown): void {
  if (state.degraded || state.stopped.signal.aborted) return;
  state.degraded = true;
  state.options.log.warn('Redis does not answer: this process counts alone', { error });
  state.returning = awaitReturn(state, redis);
}

async function awaitReturn(state: State, redis: Redis): Promise<void> {
  const { clock, log, retryMs } = state.options;
  const { signal } = state.stopped;
  while (!signal.aborted) {
    await clock.sleep(retryMs, signal);
    if (signal.aborted || (await failureOf(state, redis)) !== undefined) continue;
    state.degraded = false;
    log.info('Redis answers again: all processes count together');
    return;
  }
}

/** A Redis that is new, or was restarted between two questions, has forgotten everything. */
async function learnAnew(state: State, redis: Redis): Promise<void> {
  if (state.degraded) return;
  const failure = await failureOf(state, redis);
  if (failure !== undefined) degrade(state, redis, failure);
}

/** Undefined when Redis is there and has learnt what it may not know. */
async function failureOf({ options }: State, redis: Redis): Promise<unknown> {
  try {
    await redis.call('PING');
    await options.refill(redis);
    return undefined;
  } catch (error) {
    return error;
  }
}

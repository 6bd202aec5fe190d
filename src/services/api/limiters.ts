import type { Registry } from '../metrics.ts';
import { exposeDegradation, openSharedCounting } from '../shared-counting.ts';
import { inProcessLimiter, type RateLimiter, sharedLimiter } from './limiter.ts';
import type { ApiConfig, ApiWorld } from './room.ts';

/** Every limit of the api. */
export interface Limiters {
  /** Per key. */
  readonly requests: RateLimiter;
  /** Per network, for requests without a valid key. */
  readonly failures: RateLimiter;
  /** Per network, for webhooks that nobody signed. */
  readonly webhookFailures: RateLimiter;
  /** Per network, for one-click links that are not ours. */
  readonly linkFailures: RateLimiter;
  stop(): Promise<void>;
}

/** Opens the limits as the variables say, shared where there is a Redis. */
export function openLimiters(
  config: ApiConfig,
  { clock, log, redis }: Pick<ApiWorld, 'clock' | 'log' | 'redis'>,
  registry: Registry,
): Limiters {
  const retryMs = config.REDIS_RETRY_DELAY;
  const counting = openSharedCounting({ clock, log, redis, retryMs, refill: async () => undefined });
  exposeDegradation(registry, counting);
  const open = (name: string, limit: number, burst: number) => {
    const policy = { limit, burst, periodMs: config.API_RATE_PERIOD };
    const local = inProcessLimiter(policy, { clock, capacity: config.API_RATE_CLIENTS });
    return sharedLimiter(name, local, counting);
  };
  const failures = config.API_FAILURE_LIMIT;
  return {
    requests: open('api', config.API_RATE_LIMIT, config.API_BURST_LIMIT),
    failures: open('api-failures', failures, failures - 1),
    webhookFailures: open('webhook-failures', failures, failures - 1),
    linkFailures: open('link-failures', failures, failures - 1),
    stop: counting.stop,
  };
}

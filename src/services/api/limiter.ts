import type { Clock } from '../../adapters/clock.ts';
import { type RateDecision, type RatePolicy, takeOne } from '../../domain/rate-limit.ts';
import { takeShared } from '../../upkeep/shared-rate.ts';
import type { SharedCounting } from '../shared-counting.ts';

/** Counts the requests of a client against a policy; several processes may share one count. */
export interface RateLimiter {
  readonly policy: RatePolicy;
  /** Takes one, by a policy of the client's own where one is named; a client must always be counted by the same. */
  take(client: string, own?: RatePolicy): Promise<RateDecision>;
}

/** Counts in this process alone. Remembers `capacity` clients and forgets the one that was quiet longest. */
export function inProcessLimiter(
  policy: RatePolicy,
  { clock, capacity }: { readonly clock: Clock; readonly capacity: number },
): RateLimiter {
  const clients = new Map<string, number>();
  return {
    policy,
    take: async (client, own = policy) => {
      const decision = takeOne(own, clients.get(client), clock.monotonicMs());
      clients.delete(client);
      clients.set(client, decision.fullAtMs);
      const [oldest] = clients.keys();
      if (clients.size > capacity && oldest !== undefined) clients.delete(oldest);
      return decision;
    },
  };
}

/** Counts together with all processes that share a Redis, and as `local` does while there is none. `name` tells limiters apart. */
export function sharedLimiter(name: string, local: RateLimiter, counting: SharedCounting): RateLimiter {
  return {
    policy: local.policy,
    take: async (client, own = local.policy) => {
      const alone = await local.take(client, own);
      return counting.ask(
        (redis) => takeShared(redis, `${name}:${client}`, own),
        () => alone,
      );
    },
  };
}

/** The headers that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers-10), in whole seconds. */
export function rateHeaders(
  policy: RatePolicy,
  decision: RateDecision,
  name: 'default' | 'key' = 'default',
): Readonly<Record<string, string>> {
  const window = Math.ceil(policy.periodMs / 1000);
  return {
    'ratelimit-policy': `"${name}";q=${policy.limit};w=${window}`,
    ratelimit: `"${name}";r=${decision.remaining};t=${seconds(decision.resetMs)}`,
    ...(!decision.allowed && { 'retry-after': String(Math.max(1, seconds(decision.retryAfterMs))) }),
  };
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

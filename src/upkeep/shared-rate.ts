import type { Redis } from '../adapters/redis.ts';
import { type RateDecision, type RatePolicy, takeOne } from '../domain/rate-limit.ts';

/** Takes one from the rate that all processes share under `name`; Redis's clock counts. */
export async function takeShared(redis: Redis, name: string, policy: RatePolicy): Promise<RateDecision> {
  const costMs = policy.periodMs / policy.limit;
  const words = [costMs, costMs * (policy.burst + 1)];
  const beforeMs = Number(await redis.evaluate(takingScript, [`mailctl:rate:${name}`], words));
  return takeOne(policy, beforeMs, 0);
}

/** `takeOne` of domain/rate-limit.ts as one step: answers how far in the future the burst was whole before. */
const takingScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = full + tonumber(ARGV[1])
if after - now <= tonumber(ARGV[2]) + 0.01 then
  redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.ceil(after - now))
end
return string.format('%.3f', full - now)`;

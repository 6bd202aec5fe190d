import type { ConfigOf } from './environment.ts';

type RedisVariables = Pick<
  ConfigOf<'relay'>,
  'REDIS_URL' | 'REDIS_PASSWORD' | 'REDIS_TIMEOUT' | 'REDIS_RETRY_DELAY'
>;

/** The address and limits that the REDIS_* variables give, as the adapter takes them; undefined without REDIS_URL. */
export function redisAddress(config: RedisVariables) {
  if (config.REDIS_URL === undefined) return undefined;
  return {
    url: config.REDIS_URL,
    password: config.REDIS_PASSWORD,
    timeoutMs: config.REDIS_TIMEOUT,
    retryMs: config.REDIS_RETRY_DELAY,
  };
}

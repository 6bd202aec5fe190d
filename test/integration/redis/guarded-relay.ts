import { systemClock } from '../../../src/adapters/clock.ts';
import { type LogFields, silentLog } from '../../../src/adapters/log.ts';
import { openRedis, type Redis } from '../../../src/adapters/redis.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { openMetrics } from '../../../src/services/metrics.ts';
import { startGuard } from '../../../src/services/relay/guard/start-guard.ts';
import type { Login } from '../../../src/services/relay/sasl.ts';
import type { VerifyAnswer } from '../../../src/services/relay/session.ts';
import { relayConfig } from '../../services/relay/running-door.ts';

/** The guard of one relay on a real Redis, before an api that knows ann. */
export interface GuardedRelay extends AsyncDisposable {
  readonly redis: Redis;
  readonly guard: ReturnType<typeof startGuard>;
  readonly logged: readonly string[];
  /** What it wrote down for the next relay that starts in its place. */
  kept(): string | undefined;
  logIn(address: string, username: string, password: string): Promise<VerifyAnswer['outcome']>;
  /** How many wrong passwords, each another one, are looked at before the next is not. */
  guessUntilLocked(address: string, username: string): Promise<number>;
  metric(name: string): Promise<number>;
}

export const redisTimeoutMs = 100;

export async function guardedRelay(
  url: string,
  variables: Readonly<Record<string, string>> = {},
  remembered?: string,
): Promise<GuardedRelay> {
  const config = relayConfig('/nowhere', { REDIS_RETRY_DELAY: '20ms', ...variables });
  const redis = await openRedis({ url, password: undefined, timeoutMs: redisTimeoutMs, retryMs: 20 });
  const logged: string[] = [];
  const write = (msg: string, _fields?: LogFields) => void logged.push(msg);
  const registry = openMetrics('relay');
  const world = { clock: systemClock, redis, log: { ...silentLog, info: write, warn: write } };
  let kept: string | undefined;
  const save = (read: () => string) => {
    kept = read();
  };
  const guard = startGuard(config, world, registry, { text: remembered, save });
  const check = async ({ username, password }: Login): Promise<VerifyAnswer> =>
    username === 'ann' && password.reveal() === 'right'
      ? { outcome: 'accepted', credential: { id: 'usr_ann', username, senderDomains: [] } }
      : { outcome: 'refused' };
  const logIn: GuardedRelay['logIn'] = async (address, username, password) =>
    (await guard.verify(address, { username, password: new Secret(password) }, check)).outcome;
  let guesses = 0;
  return {
    redis,
    guard,
    logged,
    kept: () => kept,
    logIn,
    guessUntilLocked: async (address, username) => {
      for (let looked = 0; ; looked += 1) {
        guesses += 1;
        if ((await logIn(address, username, `wrong ${guesses}`)) === 'locked') return looked;
      }
    },
    metric: async (name) => {
      const found = await registry.getSingleMetric(name)?.get();
      return found?.values.reduce((sum, { value }) => sum + value, 0) ?? Number.NaN;
    },
    [Symbol.asyncDispose]: async () => {
      await guard.stop();
      await redis[Symbol.asyncDispose]();
    },
  };
}

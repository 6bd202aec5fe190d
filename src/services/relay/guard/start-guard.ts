import type { ConfigOf } from '../../../config/environment.ts';
import { withinAny } from '../../../domain/ip-address.ts';
import { counter, type Registry } from '../../metrics.ts';
import { exposeDegradation, openSharedCounting } from '../../shared-counting.ts';
import type { RelayWorld } from '../room.ts';
import { type Guard, type LockoutConfig, lockoutRules, openGuard } from './guard.ts';
import { readKnown, writeKnown } from './known-networks.ts';
import { openLocalLockouts } from './local-lockouts.ts';
import { openLockouts, refillLockouts } from './lockouts.ts';
import { openQuotas } from './quotas.ts';

type GuardConfig = LockoutConfig &
  Pick<
    ConfigOf<'relay'>,
    | `LOCKOUT_${'DEGRADED_DIVISOR' | 'ENTRIES' | 'TARPIT'}`
    | 'RELAY_NEVER_COUNTED'
    | 'REDIS_RETRY_DELAY'
    | 'API_INTERNAL_TOKEN'
    | 'SMTP_AUTH_CACHE_USERS'
  >;

/** A guard, to be stopped with all that counts for it. */
export interface StartedGuard extends Guard {
  stop(): Promise<void>;
}

type GuardWorld = Pick<RelayWorld, 'clock' | 'log' | 'redis'>;

/** What outlives a restart: the networks that users logged in from. */
export interface GuardMemory {
  readonly text: string | undefined;
  save(read: () => string): void;
}

/** Opens the guard as the variables say, with its figures. */
export function startGuard(
  config: GuardConfig,
  world: GuardWorld,
  registry: Registry,
  memory: GuardMemory,
): StartedGuard {
  const { clock, log } = world;
  const { shared, lockouts } = openCounting(config, world, memory);
  exposeDegradation(registry, shared);
  const locks = counter(registry, {
    name: 'mailctl_lockouts_total',
    help: 'Lockouts after failed logins',
    labels: ['subject'],
  });
  const guard = openGuard({
    clock,
    log,
    lockouts,
    quotas: openQuotas({ clock, shared, capacity: config.SMTP_AUTH_CACHE_USERS }),
    secret: config.API_INTERNAL_TOKEN,
    tarpitMs: config.LOCKOUT_TARPIT,
    isNeverCounted: withinAny(config.RELAY_NEVER_COUNTED),
    locked: (subject) => locks.inc({ subject }),
  });
  const stop = async () => {
    guard.stop();
    await shared.stop();
  };
  return { ...guard, stop };
}

function openCounting(config: GuardConfig, { clock, log, redis }: GuardWorld, memory: GuardMemory) {
  const local = openLocalLockouts(clock, config.LOCKOUT_ENTRIES);
  const rules = lockoutRules(config);
  local.learn(readKnown(memory.text, clock.now()), rules);
  const shared = openSharedCounting({
    clock,
    log,
    redis,
    retryMs: config.REDIS_RETRY_DELAY,
    refill: (back) => refillLockouts(back, local),
  });
  const learned = () => memory.save(() => writeKnown(local.findings().known, clock.now()));
  const degradedDivisor = config.LOCKOUT_DEGRADED_DIVISOR;
  return { shared, lockouts: openLockouts({ shared, local, rules, degradedDivisor, learned }) };
}

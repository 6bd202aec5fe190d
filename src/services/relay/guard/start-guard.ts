import type { ConfigOf } from '../../../config/environment.ts';
import { withinAny } from '../../../domain/ip-address.ts';
import { counter, gauge, type Registry } from '../../metrics.ts';
import type { RelayWorld } from '../room.ts';
import { type Guard, type LockoutConfig, lockoutRules, openGuard } from './guard.ts';
import { openLocalLockouts } from './local-lockouts.ts';
import { openLockouts } from './lockouts.ts';

type GuardConfig = LockoutConfig &
  Pick<
    ConfigOf<'relay'>,
    | `LOCKOUT_${'DEGRADED_DIVISOR' | 'ENTRIES' | 'TARPIT'}`
    | 'RELAY_NEVER_COUNTED'
    | 'REDIS_RETRY_DELAY'
    | 'API_INTERNAL_TOKEN'
  >;

/** Opens the guard as the variables say, with its figures. */
export function startGuard(
  config: GuardConfig,
  { clock, log, redis }: Pick<RelayWorld, 'clock' | 'log' | 'redis'>,
  registry: Registry,
): Guard {
  const lockouts = openLockouts({
    clock,
    log,
    redis,
    local: openLocalLockouts(clock, config.LOCKOUT_ENTRIES),
    rules: lockoutRules(config),
    degradedDivisor: config.LOCKOUT_DEGRADED_DIVISOR,
    retryMs: config.REDIS_RETRY_DELAY,
  });
  const locks = counter(registry, {
    name: 'mailctl_lockouts_total',
    help: 'Lockouts after failed logins',
    labels: ['subject'],
  });
  gauge(registry, {
    name: 'mailctl_limiter_degraded',
    help: '1 while Redis should count failed logins and does not answer',
    labels: [],
    collect() {
      this.set(lockouts.isDegraded() ? 1 : 0);
    },
  });
  return openGuard({
    clock,
    log,
    lockouts,
    secret: config.API_INTERNAL_TOKEN,
    tarpitMs: config.LOCKOUT_TARPIT,
    isNeverCounted: withinAny(config.RELAY_NEVER_COUNTED),
    locked: (subject) => locks.inc({ subject }),
  });
}

import type { Random } from '../../adapters/random.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { backoffMs } from '../../domain/backoff.ts';
import type { Handover } from '../../domain/delivery.ts';
import type { Again } from './record.ts';

/** What the waits between attempts are made of. */
export interface AgainRoom {
  readonly random: Pick<Random, 'fraction'>;
  readonly config: Pick<
    ConfigOf<'worker'>,
    'DELIVERY_RETRY_BASE' | 'DELIVERY_RETRY_MAX' | 'POSTAL_SETTLE_TIME'
  >;
}

/**
 * When a message is tried again of which something is still open. After an unclear end that is once Postal can be done with it, and each
 * time that this comes again a wait longer, up to DELIVERY_RETRY_MAX. `attempts` were made before; `end` is undefined when none was now.
 */
export function againAfter(room: AgainRoom, attempts: number, end: Handover | undefined): Again {
  switch (end?.outcome) {
    case undefined:
    case 'blocked':
      return { inMs: 0, counts: false };
    case 'busy':
      return { inMs: Math.max(retryMs(room, attempts + 1), end.retryAfterMs ?? 0), counts: true };
    default: {
      const moreMs = attempts === 0 ? 0 : retryMs(room, attempts);
      return { inMs: room.config.POSTAL_SETTLE_TIME + moreMs, counts: true };
    }
  }
}

/** The wait after so many failures, with jitter. */
export function retryMs({ config, random }: AgainRoom, failures: number): number {
  const { DELIVERY_RETRY_BASE: baseMs, DELIVERY_RETRY_MAX: mostMs } = config;
  return backoffMs(failures, { baseMs, mostMs }, random.fraction());
}

/** The later of two, which counts as an attempt where one of them does. */
export function latest(one: Again, other: Again): Again {
  return { inMs: Math.max(one.inMs, other.inMs), counts: one.counts || other.counts };
}

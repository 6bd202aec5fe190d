import type { Postal } from '../../adapters/postal.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { LookUp } from './doubt.ts';
import type { DatabaseClock } from './database-clock.ts';
import type { Figures } from './figures.ts';
import type { Lane } from './lane.ts';
import type { LeaseWatch } from './lease-watch.ts';
import type { Pulse } from './pulse.ts';
import type { Records } from './record.ts';
import type { Room } from './room.ts';

/** What handing messages to Postal needs. */
export interface DeliveryRoom extends Room {
  readonly postal: Postal;
  readonly lane: Lane;
  readonly lookUp: LookUp | undefined;
  readonly pulse: Pick<Pulse, 'restMs'>;
  readonly databaseClock: DatabaseClock;
  readonly records: Records;
  readonly leases: Pick<LeaseWatch, 'claimed' | 'renewal' | 'ended'>;
  readonly config: Pick<
    ConfigOf<'worker'>,
    | 'MAIL_DOMAIN'
    | 'API_URL'
    | 'UNSUBSCRIBE_KEY'
    | 'WORKER_LEASE'
    | 'WORKER_ERROR_WAIT_MAX'
    | 'WORKER_POLL_INTERVAL'
    | 'POSTAL_TIMEOUT'
    | 'POSTAL_SETTLE_TIME'
    | 'POSTAL_UNCERTAIN_POLICY'
    | 'POSTAL_RECIPIENTS_PER_CALL'
    | 'DELIVERY_RETRY_BASE'
    | 'DELIVERY_RETRY_MAX'
    | 'DELIVERY_GIVE_UP_AFTER'
  >;
  readonly figures: Pick<Figures, 'delivered'>;
}

import type { Clock } from '../../adapters/clock.ts';
import type { Log } from '../../adapters/log.ts';
import type { ConfigOf } from '../../config/environment.ts';

export type SinkConfig = ConfigOf<'sink'>;

/** What the sink needs of the world. */
export interface SinkWorld {
  readonly clock: Clock;
  readonly log: Log;
}

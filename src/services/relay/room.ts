import type { Http } from '../../adapters/http.ts';
import type { Redis } from '../../adapters/redis.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { JournalWorld } from './journal/state.ts';

export type RelayConfig = ConfigOf<'relay'>;

/** What the relay needs of the world. `http` reaches the api; connections to it are kept. */
export interface RelayWorld extends JournalWorld {
  readonly http: Pick<Http, 'exchange'>;
  /** Where all relays count failed logins together; without it each counts alone. */
  readonly redis?: Redis | undefined;
}

import type { Http } from '../../adapters/http.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { JournalWorld } from './journal/state.ts';

export type RelayConfig = ConfigOf<'relay'>;

/** What the relay needs of the world. `http` reaches the api; connections to it are kept. */
export interface RelayWorld extends JournalWorld {
  readonly http: Pick<Http, 'exchange'>;
}

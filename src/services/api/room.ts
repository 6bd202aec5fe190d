import type { Clock } from '../../adapters/clock.ts';
import type { Http } from '../../adapters/http.ts';
import type { Log } from '../../adapters/log.ts';
import type { Draft } from '../../adapters/mime.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { Random } from '../../adapters/random.ts';
import type { Redis } from '../../adapters/redis.ts';
import type { ConfigOf } from '../../config/environment.ts';

/** What the api needs of the world. */
export interface ApiWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly db: Database;
  /** Where all processes count requests together; without it each counts alone. */
  readonly redis?: Redis | undefined;
  /** Asked for Postal's JWKS only. */
  readonly http: Pick<Http, 'exchange'>;
  readonly mime: {
    composeMessage(draft: Draft): Promise<Uint8Array>;
    readAddresses(header: string): readonly string[];
  };
}

export type ApiConfig = ConfigOf<'api'>;

import { systemClock } from '../../../../src/adapters/clock.ts';
import { openHttp } from '../../../../src/adapters/http.ts';
import { systemRandom } from '../../../../src/adapters/random.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import type { Journal } from '../../../../src/services/relay/journal/journal.ts';
import { startShipper } from '../../../../src/services/relay/shipper/shipper.ts';
import type { ShipperConfig, ShipperWorld } from '../../../../src/services/relay/shipper/shipping.ts';
import { listeningLog } from '../journal/fixture.ts';
import type { StandInApi } from './stand-in-api.ts';

/** A configuration with small numbers. */
function shipperConfig(url: string, changes: Partial<ShipperConfig> = {}): ShipperConfig {
  return {
    API_INTERNAL_URL: url,
    API_INTERNAL_TOKEN: new Secret('token-of-the-relay'),
    RELAY_SHUTDOWN_TIMEOUT: 5_000,
    RELAY_SHIP_RECORDS: 8,
    RELAY_SHIP_BYTES: 4_000,
    RELAY_SHIP_CONCURRENCY: 2,
    RELAY_SHIP_GATHER: 0,
    RELAY_SHIP_TIMEOUT: 2_000,
    RELAY_SHIP_PROBE_TIMEOUT: 100,
    RELAY_SHIP_FAILURES: 3,
    RELAY_SHIP_RETRY_DELAY: 5,
    RELAY_SHIP_OPEN_TIME: 20,
    RELAY_SHIP_OPEN_MAX: 60,
    RELAY_SHIP_REFUSED_DELAY: 20,
    ...changes,
  };
}

interface Started {
  readonly config?: Partial<ShipperConfig>;
  readonly journal: Journal;
  readonly world?: Partial<ShipperWorld>;
}

/** A shipper that is stopped with the test, and what it logged. */
export function ship(api: StandInApi, { config = {}, journal, world = {} }: Started) {
  const http = openHttp({
    connections: 4,
    connectTimeoutMs: 1_000,
    mostAnswerBytes: 1_000_000,
    keepAlive: true,
  });
  const { log, lines } = listeningLog();
  const shipper = startShipper(shipperConfig(api.url, config), {
    journal,
    http,
    clock: systemClock,
    random: systemRandom,
    log,
    ...world,
  });
  return {
    shipper,
    lines,
    [Symbol.asyncDispose]: async () => {
      await shipper.stop();
      await http[Symbol.asyncDispose]();
    },
  };
}

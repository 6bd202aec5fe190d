import { systemClock } from '../../../src/adapters/clock.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { openMetrics } from '../../../src/services/metrics.ts';
import { openBacklogFigures } from '../../../src/services/relay/backlog-figures.ts';

interface Relay {
  readonly records?: number;
  readonly oldestMs?: number;
  readonly setAside?: { readonly refused: number; readonly damaged: number };
  readonly refusal?: string;
  readonly circuit?: 'closed' | 'open';
  readonly isStack?: boolean;
}

/** An operator's world, and in it a relay with so much in its journal; a hop may take half a minute. */
export async function worldWith(relay: Relay): Promise<Runtime> {
  const registry = openMetrics('relay');
  const { records = 3, oldestMs = 60_000, circuit = 'closed', isStack = false } = relay;
  const oldest = records > 0 ? new Date(systemClock.now().getTime() - oldestMs) : undefined;
  const journal = {
    backlog: async () => ({ records, bytes: 5_000 * records, oldest }),
    setAsideCount: async () => relay.setAside ?? { refused: 0, damaged: 0 },
  };
  const shipper = {
    circuit: () => circuit,
    refusal: () => relay.refusal,
    figures: () => ({ records: { stored: 7 }, requests: { judged: 2 } }),
  };
  openBacklogFigures(registry, journal as never, shipper as never, systemClock);
  const body = Buffer.from(await registry.metrics());
  const exchange = async () => ({ end: 'answered', status: 200, headers: {}, body });
  const config = {
    RELAY_HEALTH_LISTEN: { host: '127.0.0.1', port: 9101 },
    STATUS_TIMEOUT: 1000,
    E2E_TIMEOUT: 30_000,
  };
  return {
    config: async () => config,
    addresses: {
      containerOf: async () => (isStack ? '192.0.2.7' : undefined),
      onHost: async () => isStack,
    },
    http: async () => ({ exchange }),
  } as unknown as Runtime;
}

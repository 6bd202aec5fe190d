import { expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { relayHop } from '../../../src/operations/status/hops.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { openMetrics } from '../../../src/services/metrics.ts';
import { openBacklogFigures } from '../../../src/services/relay/backlog-figures.ts';

it('status shows what waits in the journal as the relay tells it: records, bytes and the age of the oldest', async () => {
  const registry = openMetrics('relay');
  const oldest = new Date(systemClock.now().getTime() - 60_000);
  const journal = { backlog: async () => ({ records: 3, bytes: 15_000, oldest }) };
  const shipper = { circuit: () => 'closed' };
  openBacklogFigures(
    registry,
    { ...journal, setAsideCount: async () => ({}) } as never,
    { ...shipper, figures: () => ({ records: {}, requests: {} }) } as never,
    systemClock,
  );
  const body = Buffer.from(await registry.metrics());
  const exchange = async () => ({ end: 'answered', status: 200, headers: {}, body });
  const world = {
    config: async () => ({ RELAY_HEALTH_LISTEN: { host: '127.0.0.1', port: 9101 }, STATUS_TIMEOUT: 1000 }),
    addresses: { containerOf: async () => undefined },
    http: async () => ({ exchange }),
  } as unknown as Runtime;

  const [hop] = await relayHop(world);
  expect(hop).toMatchObject({ hop: 'relay', depth: 3, bytes: 15_000 });
  expect(hop?.oldest_seconds).toBeGreaterThanOrEqual(60);
});

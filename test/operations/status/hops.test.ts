import { expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { askRelay } from '../../../src/operations/status/hops.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { openMetrics } from '../../../src/services/metrics.ts';
import { openBacklogFigures } from '../../../src/services/relay/backlog-figures.ts';

/** An operator's world, and in it a relay with so much in its journal. */
async function worldWith(relay: {
  readonly setAside?: { readonly refused: number; readonly damaged: number };
  readonly refusal?: string;
}): Promise<Runtime> {
  const registry = openMetrics('relay');
  const oldest = new Date(systemClock.now().getTime() - 60_000);
  const journal = {
    backlog: async () => ({ records: 3, bytes: 15_000, oldest }),
    setAsideCount: async () => relay.setAside ?? { refused: 0, damaged: 0 },
  };
  const shipper = {
    circuit: () => 'closed',
    refusal: () => relay.refusal,
    figures: () => ({ records: { stored: 7 }, requests: { judged: 2 } }),
  };
  openBacklogFigures(registry, journal as never, shipper as never, systemClock);
  const body = Buffer.from(await registry.metrics());
  const exchange = async () => ({ end: 'answered', status: 200, headers: {}, body });
  return {
    config: async () => ({ RELAY_HEALTH_LISTEN: { host: '127.0.0.1', port: 9101 }, STATUS_TIMEOUT: 1000 }),
    addresses: { containerOf: async () => undefined },
    http: async () => ({ exchange }),
  } as unknown as Runtime;
}

it('status shows what waits in the journal as the relay tells it: records, bytes and the age of the oldest', async () => {
  const { hops, problems, warnings } = await askRelay(await worldWith({}));

  expect(hops[0]).toMatchObject({ hop: 'relay', depth: 3, bytes: 15_000, set_aside: 0 });
  expect(hops[0]?.oldest_seconds).toBeGreaterThanOrEqual(60);
  expect([...problems, ...warnings]).toEqual([]);
});

it('status warns of accepted mail that is set aside, refused or damaged, and names the command for it', async () => {
  const { hops, problems, warnings } = await askRelay(
    await worldWith({ setAside: { refused: 2, damaged: 1 } }),
  );

  expect(hops[0]?.set_aside).toBe(3);
  expect(warnings).toEqual(['accepted messages are set aside: 3; mailctl journal list']);
  expect(problems).toEqual([]);
});

it('status is not healthy while the api refuses the relay itself', async () => {
  const { problems } = await askRelay(await worldWith({ refusal: 'the api answered 401 to a batch' }));

  expect(problems).toEqual([expect.stringContaining('the api refuses the relay')]);
});

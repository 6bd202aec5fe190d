import { expect, it } from 'vitest';

import { askRelay } from '../../../src/operations/status/hops.ts';
import { worldWith } from './world-with-relay.ts';

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

import { tmpdir } from 'node:os';

import { describe, expect, it } from 'vitest';

import { carryOut } from '../../../src/operations/carry-out.ts';
import type { Step } from '../../../src/operations/plan.ts';
import { besideEachOther, type Stage, stages, stagesBefore } from '../../../src/operations/stack/stages.ts';
import { openRuntime } from '../../../src/runtime.ts';

const world = openRuntime({ dir: tmpdir(), environment: {}, uid: undefined });
const silently = { done: () => undefined, failed: () => undefined };

/** Carries the stages out, each in two steps, and gives back which were under way whenever one began. */
async function carriedOut(present: readonly Stage[] = stages) {
  const underWay = new Set<string>();
  const ended = new Set<string>();
  const seen = new Map<string, { readonly beside: readonly string[]; readonly after: readonly string[] }>();
  const step = (what: string): Step => ({
    do: 'start',
    what,
    run: async () => {
      seen.set(what, { beside: [...underWay], after: [...ended] });
      underWay.add(what);
      await new Promise(setImmediate);
      underWay.delete(what);
      ended.add(what);
    },
  });
  const create = step('create');
  const stepsOf = (stage: Stage) => (present.includes(stage) ? [step(stage), step(`${stage} settled`)] : []);
  const steps = [create, ...besideEachOther([create], stepsOf)];
  await carryOut({ title: 'Start', steps, result: () => undefined }, world, silently);
  return seen;
}

describe('the stages of a start', () => {
  it('begin only when those they wait for are through, and the first of them when the containers are there', async () => {
    const seen = await carriedOut();
    expect(seen.get('databases')?.after).toEqual(['create']);
    for (const stage of stages)
      expect(seen.get(stage)?.after).toEqual(
        expect.arrayContaining([...stagesBefore(stage)].map((one) => `${one} settled`)),
      );
  });

  it('lead to the relay last of what carries mail, and let Postal and the api start beside each other', async () => {
    expect([...stagesBefore('relay')].toSorted()).toEqual(
      ['api', 'databases', 'migrate', 'postal', 'postal-init', 'worker'].toSorted(),
    );
    const seen = await carriedOut();
    expect(seen.get('migrate')?.beside).toEqual(['postal-init']);
    expect(seen.get('edge')?.beside).toEqual(['worker']);
  });

  it('that have nothing to do keep nobody from waiting for those before them', async () => {
    const seen = await carriedOut(['databases', 'relay']);
    expect(seen.get('relay')?.after).toEqual(['create', 'databases', 'databases settled']);
  });
});

import { tmpdir } from 'node:os';

import { describe, expect, it } from 'vitest';

import { carryOut } from '../../src/operations/carry-out.ts';
import type { Plan, Step } from '../../src/operations/plan.ts';
import { openRuntime } from '../../src/runtime.ts';

const world = openRuntime({ dir: tmpdir(), environment: {}, uid: undefined });

/** A plan whose steps write down that they ran; the named one fails, or calls back. */
function planOf(names: readonly string[], during: Readonly<Record<string, () => void>> = {}) {
  const ran: string[] = [];
  const step = (what: string): Step => ({
    do: 'note',
    what,
    run: async () => {
      during[what]?.();
      ran.push(what);
    },
  });
  const plan: Plan<string> = { title: 'Note', steps: names.map(step), result: () => `${ran.length} done` };
  return { plan, ran };
}

function listening() {
  const heard: string[] = [];
  return {
    heard,
    done: ({ what }: Step) => void heard.push(`done ${what}`),
    failed: ({ what }: Step) => void heard.push(`failed ${what}`),
  };
}

describe('carrying out a plan', () => {
  it('runs the steps in order, tells of each, and reports afterwards', async () => {
    const { plan } = planOf(['a', 'b']);
    const progress = listening();
    expect(await carryOut(plan, world, progress)).toBe('2 done');
    expect(progress.heard).toEqual(['done a', 'done b']);
  });

  it('ends at the first failure; what was done stays done', async () => {
    const { plan, ran } = planOf(['a', 'b', 'c'], {
      b: () => {
        throw new Error('no space');
      },
    });
    const progress = listening();
    await expect(carryOut(plan, world, progress)).rejects.toThrow('no space');
    expect({ ran, heard: progress.heard }).toEqual({ ran: ['a'], heard: ['done a', 'failed b'] });
  });

  it('heeds a stop between two steps, and never within one', async () => {
    const stop = new AbortController();
    const { plan, ran } = planOf(['a', 'b', 'c'], { b: () => stop.abort('SIGINT') });
    await expect(carryOut(plan, world, listening(), stop.signal)).rejects.toMatchObject({
      code: 'interrupted',
      message: 'interrupted after 2 of 3 steps',
    });
    expect(ran).toEqual(['a', 'b']);
  });

  it('is done when the stop comes within the last step', async () => {
    const stop = new AbortController();
    const { plan } = planOf(['a'], { a: () => stop.abort('SIGINT') });
    expect(await carryOut(plan, world, listening(), stop.signal)).toBe('1 done');
  });
});

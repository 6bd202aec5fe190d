import { once } from 'node:events';
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

/** What is waited for until somebody opens it. */
function gate() {
  const gates = new AbortController();
  const opened = once(gates.signal, 'abort').then(() => undefined);
  return { opened, open: () => gates.abort() };
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

  it('begins a step as soon as those it names are done, and tells of each when it ends', async () => {
    const first = gate();
    const ran: string[] = [];
    const step = (what: string, work?: () => Promise<void>): Step => ({
      do: 'note',
      what,
      run: async () => {
        await work?.();
        ran.push(what);
      },
    });
    const slow = step('slow', () => first.opened);
    const quick = { ...step('quick'), after: [] };
    const next = { ...step('next', async () => first.open()), after: [quick] };
    const plan: Plan<string> = {
      title: 'Note',
      steps: [slow, quick, next, step('last')],
      result: () => ran.join(' '),
    };
    const progress = listening();
    expect(await carryOut(plan, world, progress)).toBe('quick next slow last');
    expect(progress.heard).toEqual(['done quick', 'done next', 'done slow', 'done last']);
  });

  it('begins nothing after a failure, and waits for what is under way before it tells', async () => {
    const ran: string[] = [];
    const release = gate();
    const step = (what: string, work: () => Promise<void>): Step => ({
      do: 'note',
      what,
      after: [],
      run: async () => {
        await work();
        ran.push(what);
      },
    });
    const slow = step('slow', () => release.opened);
    const bad = step('bad', () => Promise.reject(new Error('no space')));
    const never = { ...step('never', () => Promise.resolve()), after: [slow] };
    const progress = listening();
    const plan = { title: 'Note', steps: [slow, bad, never], result: () => 'done' };
    const carried = carryOut(plan, world, {
      done: progress.done,
      failed: (failed: Step) => {
        progress.failed(failed);
        release.open();
      },
    });
    await expect(carried).rejects.toThrow('no space');
    expect({ ran, heard: progress.heard }).toEqual({ ran: ['slow'], heard: ['failed bad', 'done slow'] });
  });

  it('is done when the stop comes within the last step', async () => {
    const stop = new AbortController();
    const { plan } = planOf(['a'], { a: () => stop.abort('SIGINT') });
    expect(await carryOut(plan, world, listening(), stop.signal)).toBe('1 done');
  });
});

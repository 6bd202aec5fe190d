import { OperatorError } from '../domain/failure.ts';
import type { Runtime } from '../runtime.ts';
import type { Plan, Step } from './plan.ts';

/** Hears how the steps go. */
export interface Progress {
  done(step: Step): void;
  failed(step: Step): void;
}

interface Ended {
  readonly step: Step;
  readonly place: number;
  readonly failure?: { readonly cause: unknown };
}

/**
 * Runs the steps, each once those that it waits for are done, and returns the plan's result. After the first failure none begins any
 * more, and it is thrown once those under way have ended; what was done stays done. A stop is heeded between steps, never within one,
 * and throws `interrupted` if steps are left.
 */
export async function carryOut<T>(
  plan: Plan<T>,
  world: Runtime,
  progress: Progress,
  stop?: AbortSignal,
): Promise<T> {
  const left = new Set(plan.steps.keys());
  const underWay = new Map<number, Promise<Ended>>();
  const failures: NonNullable<Ended['failure']>[] = [];
  for (;;) {
    const mayBegin = failures.length === 0 && !stop?.aborted;
    for (const place of mayBegin ? readyPlaces(plan.steps, left, underWay) : []) {
      left.delete(place);
      underWay.set(place, run(plan.steps, place, world));
    }
    if (underWay.size === 0) break;
    const { step, place, failure } = await Promise.race(underWay.values());
    underWay.delete(place);
    if (failure) failures.push(failure);
    (failure ? progress.failed : progress.done)(step);
  }
  refuseUnfinished(failures, left.size, plan.steps.length);
  return plan.result();
}

/** The steps that are left and wait for none that is left or under way. */
function readyPlaces(
  steps: readonly Step[],
  left: ReadonlySet<number>,
  underWay: ReadonlyMap<number, unknown>,
): readonly number[] {
  const isOpen = (place: number) => left.has(place) || underWay.has(place);
  return [...left].filter((place) => {
    const waitsFor =
      steps[place]?.after?.map((step) => steps.indexOf(step)) ?? [...steps.keys()].slice(0, place);
    return !waitsFor.some(isOpen);
  });
}

async function run(steps: readonly Step[], place: number, world: Runtime): Promise<Ended> {
  const step = steps[place] as Step;
  try {
    await step.run(world);
    return { step, place };
  } catch (cause) {
    return { step, place, failure: { cause } };
  }
}

function refuseUnfinished(failures: readonly { readonly cause: unknown }[], left: number, all: number): void {
  if (failures[0]) throw failures[0].cause;
  if (left === 0) return;
  throw new OperatorError('interrupted', `interrupted after ${all - left} of ${all} steps`, {
    hint: 'What was done stays done: run it again to finish',
  });
}

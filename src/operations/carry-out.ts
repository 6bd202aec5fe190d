import type { Runtime } from '../runtime.ts';
import type { Plan, Step } from './plan.ts';

/** Hears how the steps go. */
export interface Progress {
  done(step: Step): void;
  failed(step: Step): void;
}

/** Runs the steps in order and returns the plan's result. The first failure ends it; what was done stays done. */
export async function carryOut<T>(plan: Plan<T>, world: Runtime, progress: Progress): Promise<T> {
  for (const step of plan.steps) {
    await step.run(world).catch((error: unknown) => {
      progress.failed(step);
      throw error;
    });
    progress.done(step);
  }
  return plan.result();
}

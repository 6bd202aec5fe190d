import { OperatorError } from '../domain/failure.ts';
import type { Runtime } from '../runtime.ts';
import type { Plan, Step } from './plan.ts';

/** Hears how the steps go. */
export interface Progress {
  done(step: Step): void;
  failed(step: Step): void;
}

/**
 * Runs the steps in order and returns the plan's result. The first failure ends it; what was done stays done. A stop is
 * heeded between two steps, never within one, and throws `interrupted` if steps are left.
 */
export async function carryOut<T>(
  plan: Plan<T>,
  world: Runtime,
  progress: Progress,
  stop?: AbortSignal,
): Promise<T> {
  for (const [index, step] of plan.steps.entries()) {
    if (stop?.aborted) throw interrupted(index, plan.steps.length);
    await step.run(world).catch((error: unknown) => {
      progress.failed(step);
      throw error;
    });
    progress.done(step);
  }
  return plan.result();
}

function interrupted(done: number, all: number): OperatorError {
  return new OperatorError('interrupted', `interrupted after ${done} of ${all} steps`, {
    hint: 'What was done stays done: run it again to finish',
  });
}

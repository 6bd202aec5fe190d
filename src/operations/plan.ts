import type { Runtime } from '../runtime.ts';

/** One act, in words and in deed. `what` never holds a secret: it is shown, logged and printed as JSON. */
export interface Step {
  /** The kind of act: write, remove, query … */
  readonly do: string;
  readonly what: string;
  /** The steps it waits for, each of which stands before it in the plan; every one that does where this is not said. */
  readonly after?: readonly Step[];
  run(world: Runtime): Promise<void>;
}

/** What a command is going to do. Steps are ordered so that stopping anywhere is safe and running again finishes the work. */
export interface Plan<T> {
  readonly title: string;
  /** Question that must be agreed to first. */
  readonly confirm?: string;
  readonly steps: readonly Step[];
  /** What the command reports: called after the last step, or without any step on a dry run. */
  result(): T;
}

/** What is shown of a plan: words only. */
export interface ShownPlan {
  readonly title: string;
  readonly steps: readonly { readonly do: string; readonly what: string }[];
}

/** The words of a plan. */
export function showPlan({ title, steps }: Plan<unknown>): ShownPlan {
  return { title, steps: steps.map((step) => ({ do: step.do, what: step.what })) };
}

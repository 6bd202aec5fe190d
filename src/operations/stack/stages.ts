import type { Step } from '../plan.ts';

/** In the order of starting; with the databases starts all that waits for nothing. */
export const stages = [
  'databases',
  'postal-init',
  'postal',
  'migrate',
  'api',
  'worker',
  'edge',
  'relay',
] as const;
export type Stage = (typeof stages)[number];

/** The stages that each waits for: Postal's own way and that of our api go beside each other, and the relay is last of what carries mail. */
const waitsFor: Readonly<Record<Stage, readonly Stage[]>> = {
  databases: [],
  'postal-init': ['databases'],
  postal: ['postal-init'],
  migrate: ['databases'],
  api: ['migrate'],
  worker: ['postal', 'api'],
  edge: ['postal', 'api'],
  relay: ['worker'],
};

/** Every stage that must be through before this one begins. */
export function stagesBefore(stage: Stage): ReadonlySet<Stage> {
  return new Set(waitsFor[stage].flatMap((one) => [one, ...stagesBefore(one)]));
}

/** The steps of every stage, each stage beginning once those that it waits for are through, the first ones after `before`. */
export function besideEachOther(
  before: readonly Step[],
  stepsOf: (stage: Stage) => readonly Step[],
): readonly Step[] {
  const ends = new Map<Stage, readonly Step[]>();
  return stages.flatMap((stage) => {
    const earlier = stage === 'databases' ? before : waitsFor[stage].flatMap((one) => ends.get(one) ?? []);
    const steps = inOrder(stepsOf(stage), earlier);
    ends.set(stage, steps.length > 0 ? steps.slice(-1) : earlier);
    return steps;
  });
}

function inOrder(steps: readonly Step[], before: readonly Step[]): readonly Step[] {
  return steps.reduce<readonly Step[]>(
    (done, step) => [...done, { ...step, after: done.length > 0 ? done.slice(-1) : before }],
    [],
  );
}

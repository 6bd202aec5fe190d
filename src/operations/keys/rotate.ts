import { join } from 'node:path';

import { type Key, keyKinds, type KeyKind, type Move, nextMove } from '../../domain/key.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan, Step } from '../plan.ts';
import { kinds } from './kinds.ts';
import { type Candidate, select, type Selection } from './select.ts';
import {
  acceptSteps,
  comingOf,
  isUntidy,
  type Manner,
  retireSteps,
  type Shown,
  tidyUp,
  useSteps,
} from './transitions.ts';

export interface RotationOrder extends Selection, Manner {}

/** How a subject's rotation stands after what was done. */
export interface Rotated {
  readonly kind: KeyKind;
  readonly name: string;
  readonly state: 'replaced' | 'retired' | 'waiting';
  readonly until: string | null;
  readonly why: string | null;
}

/** A new secret that a person has to hand on. */
export interface HandedOut {
  readonly kind: KeyKind;
  readonly name: string;
  readonly secret: string;
}

export interface RotationReport {
  readonly keys: readonly Rotated[];
  /** The new secret where one such key was rotated. */
  readonly secret?: string;
  /** The new secrets where several were. */
  readonly secrets?: readonly HandedOut[];
}

/** Plans every transition that is safe now. What has to wait is said and left to a later run. */
export async function planRotation(world: Runtime, order: RotationOrder): Promise<Plan<RotationReport>> {
  const chosen = await select(world, order);
  const shown: Shown[] = [];
  const parts: Part[] = [];
  for (const one of chosen) parts.push(await planOne(world, { one, order, shown }));
  const changes = parts.flatMap((part) => part.steps);
  const steps = changes.length > 0 || (await isUntidy(world)) ? [...changes, tidyUp] : [];
  return {
    title: changes.length === 0 ? 'No key can change its state now' : `Rotate ${countOf(parts)}`,
    ...(order.isForced && { confirm: 'Retire old keys although they may still be used?' }),
    steps,
    result: () => ({ keys: parts.flatMap(({ rotated }) => rotated() ?? []), ...handedOut(shown) }),
  };
}

function handedOut(shown: readonly Shown[]): Pick<RotationReport, 'secret' | 'secrets'> {
  const [first, ...others] = shown;
  if (!first) return {};
  if (others.length === 0) return { secret: first.secret.reveal() };
  return {
    secrets: shown.map(({ one, secret }) => ({
      kind: one.kind,
      name: one.subject.name,
      secret: secret.reveal(),
    })),
  };
}

interface Part {
  readonly steps: readonly Step[];
  /** Called after the last step. */
  rotated(): Rotated | undefined;
}

interface Scene {
  readonly one: Candidate;
  readonly order: RotationOrder;
  readonly shown: Shown[];
}

async function planOne(world: Runtime, scene: Scene): Promise<Part> {
  const { one, order } = scene;
  if (keyKinds[one.kind].isFiled && !(await hasEnv(world)))
    return waits(
      one,
      'it stands in .env, which is not here: run mailctl keys rotate in the folder that has it',
    );
  const old = one.keys.find(({ state }) => state === 'retiring');
  const facts = { now: world.clock.now(), isWanted: !order.isContinuing, isForced: order.isForced };
  const move = nextMove(one.keys, { ...facts, usedAt: undefined });
  switch (move.move) {
    case 'issue':
      return issue(scene);
    case 'switch':
      return goOn(world, scene);
    case 'nothing':
      return { steps: [], rotated: () => undefined };
    default:
      return old ? retireOrWait(world, scene, { old, move, facts }) : waits(one, 'nothing is known of it');
  }
}

/** The scheduler of a stack has the databases, and not the folder. */
async function hasEnv({ dir, files }: Runtime): Promise<boolean> {
  return (await files.modeOf(join(dir, '.env'))) !== undefined;
}

/** Nothing is under way yet. */
function issue({ one, order, shown }: Scene): Part {
  const kind = kinds[one.kind];
  const { name, handle } = one.subject;
  const lack = kind.lacks?.({ name, old: handle, given: order.given });
  if (lack && order.name === name) throw lack;
  if (lack) return waits(one, lack.message);
  const accept = acceptSteps(one, order);
  if (!kind.obstacle || order.isForced)
    return { steps: [...accept, ...useSteps(one, order, shown)], rotated: () => said(one, 'replaced') };
  return awaitsObstacle(one, accept);
}

/** The new key was made by an earlier run. */
async function goOn(world: Runtime, scene: Scene): Promise<Part> {
  const { one, order, shown } = scene;
  const accept = acceptSteps(one, order);
  const kind = kinds[one.kind];
  if (kind.obstacle && !order.isForced) {
    const coming = await comingOf(world, one).catch(() => undefined);
    if (!coming) return awaitsObstacle(one, accept);
    const why = await kind.obstacle(world, coming);
    if (why !== undefined) return waits(one, why);
  }
  return { steps: [...accept, ...useSteps(one, order, shown)], rotated: () => said(one, 'replaced') };
}

/** What must be true in the world is known once the new key is; whether it is, a later run sees. */
function awaitsObstacle(one: Candidate, accept: readonly Step[]): Part {
  let why: string | undefined;
  const look: Step = {
    do: 'look',
    what: `${one.subject.name}: see what must be true before it is used`,
    run: async (world) => {
      why = await kinds[one.kind].obstacle?.(world, await comingOf(world, one));
    },
  };
  return {
    steps: [...accept, look],
    rotated: () => said(one, 'waiting', { why: why ?? 'nothing is in its way: run it again' }),
  };
}

interface Retiring {
  readonly old: Key;
  readonly move: Move;
  readonly facts: { readonly now: Date; readonly isWanted: boolean; readonly isForced: boolean };
}

/** Evidence of the last use is asked for only where it decides. */
async function retireOrWait(world: Runtime, { one, order }: Scene, retiring: Retiring): Promise<Part> {
  const { old, facts } = retiring;
  let { move } = retiring;
  if (move.move === 'retire' && !order.isForced) {
    const use = await useOf(world, one, old);
    if (use instanceof OperatorError) return waits(one, `nobody can tell whether it is used: ${use.message}`);
    move = nextMove(one.keys, { ...facts, usedAt: use });
  }
  if (move.move === 'wait')
    return { steps: [], rotated: () => said(one, 'waiting', move as Extract<Move, { move: 'wait' }>) };
  return { steps: retireSteps(one, old, order), rotated: () => said(one, 'retired') };
}

async function useOf(world: Runtime, one: Candidate, old: Key): Promise<Date | undefined | OperatorError> {
  try {
    return await kinds[one.kind].lastUsed(world, old);
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
}

function waits(one: Candidate, why: string): Part {
  return { steps: [], rotated: () => said(one, 'waiting', { why }) };
}

function said(
  { kind, subject }: Candidate,
  state: Rotated['state'],
  { until, why }: { readonly until?: Date; readonly why?: string } = {},
): Rotated {
  return { kind, name: subject.name, state, until: until?.toISOString() ?? null, why: why ?? null };
}

function countOf(parts: readonly Part[]): string {
  const count = parts.filter(({ steps }) => steps.length > 0).length;
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}

import { join } from 'node:path';

import { type Key, keyKinds, type KeyKind, type Move, nextMove } from '../../domain/key.ts';
import { OperatorError } from '../../domain/failure.ts';
import { newId } from '../../domain/id.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { dropPending, insertKey, livingKeys, retireKey, switchKeys } from '../../store/keys.ts';
import type { Plan, Step } from '../plan.ts';
import { awaitHolders } from './await-holders.ts';
import { keptEnvPath } from './env-values.ts';
import type { Coming, Holders } from './kind.ts';
import { kinds } from './kinds.ts';
import { forgetPending, keepPending, pendingPath, readPending } from './pending-secret.ts';
import { type Candidate, select, type Selection } from './select.ts';

export interface RotationOrder extends Selection {
  readonly overlapMs: number;
  readonly isForced: boolean;
  readonly reason: string;
  readonly by: string;
  /** Brings what was written down to the services, where they do not read it themselves. Safe to repeat. */
  spread(world: Runtime): Promise<void>;
}

/** How a subject's rotation stands after what was done. */
export interface Rotated {
  readonly kind: KeyKind;
  readonly name: string;
  readonly state: 'replaced' | 'retired' | 'waiting';
  readonly until: string | null;
  readonly why: string | null;
}

export interface RotationReport {
  readonly keys: readonly Rotated[];
  /** The new secret of the one key that was rotated, where a person has to hand it on. */
  readonly secret?: string;
}

/** Plans every transition that is safe now. What has to wait is said and left to a later run. */
export async function planRotation(world: Runtime, order: RotationOrder): Promise<Plan<RotationReport>> {
  const chosen = await select(world, order);
  const shown: Secret[] = [];
  const parts = await Promise.all(chosen.map((one) => planOne(world, one, order, shown)));
  const steps = parts.flatMap((part) => part.steps);
  const isFinal = chosen.length > 0 && parts.every(({ rotated }) => rotated?.state === 'retired');
  return {
    title: steps.length === 0 ? 'No key can change its state now' : `Rotate ${countOf(parts)}`,
    ...(order.isForced && { confirm: 'Retire old keys although they may still be used?' }),
    steps: steps.length > 0 || isFinal ? [...steps, ...(steps.length > 0 ? [tidyUp] : [])] : [],
    result: () => ({
      keys: parts.flatMap(({ rotated }) => rotated ?? []),
      ...(shown.length === 1 && shown[0] && { secret: shown[0].reveal() }),
    }),
  };
}

interface Part {
  readonly steps: readonly Step[];
  readonly rotated: Rotated | undefined;
}

async function planOne(world: Runtime, one: Candidate, order: RotationOrder, shown: Secret[]): Promise<Part> {
  const old = one.keys.find(({ state }) => state === 'retiring');
  const usedAt = old && (await kinds[one.kind].lastUsed(world, old));
  const move = nextMove(one.keys, {
    now: world.clock.now(),
    usedAt,
    isWanted: !order.isContinuing,
    isForced: order.isForced,
  });
  const say = (state: Rotated['state'], until: Date | null = null, why: string | null = null): Rotated => ({
    kind: one.kind,
    name: one.subject.name,
    state,
    until: until?.toISOString() ?? null,
    why,
  });
  return partOf(move, { one, order, shown, old, say });
}

interface Scene {
  readonly one: Candidate;
  readonly order: RotationOrder;
  readonly shown: Secret[];
  readonly old: Key | undefined;
  say(state: Rotated['state'], until?: Date | null, why?: string | null): Rotated;
}

function partOf(move: Move, scene: Scene): Part {
  const { one, order, say, old } = scene;
  switch (move.move) {
    case 'issue':
    case 'switch':
      return { steps: switchSteps(scene), rotated: say('replaced') };
    case 'retire':
      return { steps: old ? retireSteps(one, old, order) : [], rotated: say('retired') };
    case 'wait':
      return { steps: [], rotated: say('waiting', move.until, move.why) };
    default:
      return { steps: [], rotated: undefined };
  }
}

/** From nothing, or from wherever it was cut off, to the new key in use and the old one retiring. */
function switchSteps({ one, order, shown }: Scene): readonly Step[] {
  const { kind: kindName, subject } = one;
  const kind = kinds[kindName];
  const who = `${kindName} ${subject.name}`;
  const overlapMs = Math.max(order.overlapMs, kind.leastOverlapMs ?? 0);
  return [
    {
      do: 'issue-key',
      what: `${who}: make a new key, kept in ${pendingPath('…')} meanwhile`,
      run: (world) => makeKey(world, one, order),
    },
    {
      do: 'accept-key',
      what: `${who}: have the new one accepted beside the old one`,
      run: async (world) => {
        await kind.issue(world, await coming(world, one));
        await order.spread(world);
      },
    },
    ...(kind.acceptors ? [awaitAcceptors(one, kind.acceptors)] : []),
    {
      do: 'use-key',
      what: `${who}: use the new one`,
      run: async (world) => {
        const next = await coming(world, one);
        await kind.distribute(world, next);
        await order.spread(world);
        if (keyKinds[kindName].isShown) shown.push(next.secret);
      },
    },
    retireLater(one, order, overlapMs),
  ];
}

function retireLater({ kind, subject }: Candidate, { by }: RotationOrder, overlapMs: number): Step {
  return {
    do: 'retire-later',
    what: `${kind} ${subject.name}: let the old one retire when it was not used for ${Math.round(overlapMs / 60_000)} minutes`,
    run: async (world) =>
      switchKeys(
        await world.postgres(),
        { kind, name: subject.name },
        { now: world.clock.now(), overlapMs, by },
      ),
  };
}

function awaitAcceptors(one: Candidate, acceptors: Holders): Step {
  return {
    do: 'await-key',
    what: `${one.kind} ${one.subject.name}: wait until every ${acceptors.rooms.join(' and ')} accepts it`,
    run: async (world) => awaitHolders(world, acceptors, (await coming(world, one)).secret),
  };
}

function retireSteps(one: Candidate, old: Key, order: RotationOrder): readonly Step[] {
  const kind = kinds[one.kind];
  const who = `${one.kind} ${one.subject.name}`;
  const active = one.keys.find(({ state }) => state === 'active');
  const secretNow = async (world: Runtime) => active && readPending(world, active.id);
  return [
    {
      do: 'await-users',
      what: `${who}: see that nobody is left behind`,
      run: async (world) => {
        const secret = await secretNow(world);
        if (kind.users && secret) await awaitHolders(world, kind.users, secret);
      },
    },
    {
      do: 'retire-key',
      what: `${who}: accept the old one no more`,
      run: async (world) => {
        await kind.retire(world, old);
        await order.spread(world);
        if (active) await forgetPending(world, active.id);
        await retireKey(await world.postgres(), old.id, world.clock.now(), order.by);
      },
    },
  ];
}

/** Writes the new key down before its secret exists, and the one in use beside it. */
async function makeKey(world: Runtime, one: Candidate, { reason, by }: RotationOrder): Promise<void> {
  const db = await world.postgres();
  const { kind, subject } = one;
  const pending = await pendingOf(world, one);
  const kept = pending && (await readPending(world, pending.id));
  if (pending && !kept) await dropPending(db, pending.id);
  const id = kept && pending ? pending.id : newId('key', world.clock.now(), world.random.bytes(10));
  const secret = kept ?? kinds[kind].newSecret(world);
  await keepPending(world, id, secret);
  const base = { kind, name: subject.name, reason, by };
  const old = `${newId('key', new Date(0), world.random.bytes(10))}`;
  await insertKey(db, { ...base, id: old, handle: subject.handle, state: 'active' });
  const handle = await kinds[kind].handleOf(world, { name: subject.name, id, secret, old: subject.handle });
  await insertKey(db, { ...base, id, handle, state: 'pending' });
}

async function pendingOf(world: Runtime, { kind, subject }: Candidate): Promise<Key | undefined> {
  const rows = await livingKeys(await world.postgres());
  return rows.find((key) => key.kind === kind && key.name === subject.name && key.state === 'pending');
}

async function coming(world: Runtime, one: Candidate): Promise<Coming> {
  const pending = await pendingOf(world, one);
  const secret = pending && (await readPending(world, pending.id));
  if (!pending || !secret) throw lost(one, pending?.id);
  const { id, handle, name } = pending;
  return { id, handle, name, secret, old: one.subject.handle };
}

function lost({ kind, subject }: Candidate, id: string | undefined): OperatorError {
  return new OperatorError(
    'unreachable',
    `the new secret of ${kind} ${subject.name} is not in ${pendingPath(id ?? '…')}`,
    {
      hint: 'Run it again: a new one is made',
    },
  );
}

/** When nothing is under way any more, the `.env` of before is not needed. */
const tidyUp: Step = {
  do: 'tidy-up',
  what: `remove ${keptEnvPath} if no rotation is under way`,
  run: async (world) => {
    const rows = await livingKeys(await world.postgres());
    if (rows.every(({ state }) => state === 'active')) await world.files.remove(join(world.dir, keptEnvPath));
  },
};

function countOf(parts: readonly Part[]): string {
  const count = parts.filter(({ steps }) => steps.length > 0).length;
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}

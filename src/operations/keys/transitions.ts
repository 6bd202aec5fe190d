import { join } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import { newId } from '../../domain/id.ts';
import { type Key, keyKinds } from '../../domain/key.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { dropPending, insertKey, livingKeys, retireKey, switchKeys } from '../../store/keys.ts';
import type { Step } from '../plan.ts';
import { awaitHolders } from './await-holders.ts';
import { keptEnvPath } from './env-values.ts';
import type { Coming, Holders } from './kind.ts';
import { kinds } from './kinds.ts';
import { forgetPending, keepPending, pendingPath, pendingSecrets, readPending } from './pending-secret.ts';
import type { Candidate } from './select.ts';

/** How a rotation is to be made. */
export interface Manner {
  readonly overlapMs: number;
  readonly isForced: boolean;
  readonly reason: string;
  readonly by: string;
  /** How long the new key is to be used; else as long as the last one. Keys of the api have an end of their own. */
  readonly expiresInMs: number | undefined;
  /** The public half of a key whose secret half was made elsewhere. */
  readonly given: string | undefined;
  /** Brings what was written down to the services, where they do not read it themselves. Safe to repeat. */
  spread(world: Runtime): Promise<void>;
}

/** A new secret that is in use now, for those who have to be handed it. */
export interface Shown {
  readonly one: Candidate;
  readonly secret: Secret;
}

/** From nothing, or from wherever it was cut off, until the new key is accepted beside the old one. */
export function acceptSteps(one: Candidate, manner: Manner): readonly Step[] {
  const kind = kinds[one.kind];
  const who = nameOf(one);
  return [
    {
      do: 'issue-key',
      what: `${who}: make a new key, kept in ${pendingPath('…')} meanwhile`,
      run: (world) => makeKey(world, one, manner),
    },
    {
      do: 'accept-key',
      what: `${who}: have the new one accepted beside the old one`,
      run: async (world) => {
        await kind.issue(world, await comingOf(world, one));
        await manner.spread(world);
      },
    },
    ...(kind.acceptors ? [awaitAcceptors(one, kind.acceptors)] : []),
  ];
}

/** From there until the new key is used, and the old one retires in its time. */
export function useSteps(one: Candidate, manner: Manner, shown: Shown[]): readonly Step[] {
  const kind = kinds[one.kind];
  const restarts = kind.restartsPostal ? ", and start Postal's processes anew" : '';
  return [
    {
      do: 'use-key',
      what: `${nameOf(one)}: use the new one${restarts}`,
      run: async (world) => {
        const next = await comingOf(world, one);
        await kind.distribute(world, next);
        await manner.spread(world);
        if (kind.restartsPostal) await (await world.postalRunner()).restart();
        if (keyKinds[one.kind].isShown) shown.push({ one, secret: next.secret });
      },
    },
    retireLater(one, manner),
  ];
}

function retireLater(one: Candidate, { by, overlapMs }: Manner): Step {
  const { kind, subject } = one;
  return {
    do: 'retire-later',
    what: `${nameOf(one)}: let the old one retire when it was not used for ${minutes(overlapMs)}`,
    run: async (world) => {
      const least = kinds[kind].leastOverlapMs?.(await world.config('operator')) ?? 0;
      const now = world.clock.now();
      const db = await world.postgres();
      await switchKeys(db, { kind, name: subject.name }, { now, overlapMs: Math.max(overlapMs, least), by });
    },
  };
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`;
}

function awaitAcceptors(one: Candidate, acceptors: Holders): Step {
  return {
    do: 'await-key',
    what: `${nameOf(one)}: wait until every ${acceptors.rooms.join(' and ')} accepts it`,
    run: async (world) => {
      const { secret } = await comingOf(world, one);
      await awaitHolders(world, acceptors, (await acceptors.heldFor?.(world)) ?? secret);
    },
  };
}

/** The end of the old key. */
export function retireSteps(one: Candidate, old: Key, { spread, by }: Manner): readonly Step[] {
  const kind = kinds[one.kind];
  const active = one.keys.find(({ state }) => state === 'active');
  return [
    {
      do: 'await-users',
      what: `${nameOf(one)}: see that nobody is left behind`,
      run: async (world) => {
        const secret = active && (await readPending(world, active.id));
        if (kind.users && secret) await awaitHolders(world, kind.users, secret);
      },
    },
    {
      do: 'retire-key',
      what: `${nameOf(one)}: accept the old one no more`,
      run: async (world) => {
        await kind.retire(world, old);
        await spread(world);
        if (active) await forgetPending(world, active.id);
        await retireKey(await world.postgres(), old.id, world.clock.now(), by);
      },
    },
  ];
}

/** Writes the new key down before its secret exists, and the one in use beside it. */
async function makeKey(world: Runtime, one: Candidate, manner: Manner): Promise<void> {
  const { reason, by, given } = manner;
  const db = await world.postgres();
  const { kind, subject } = one;
  const { name, handle: old } = subject;
  const pending = await pendingOf(world, one);
  const kept = pending && (await readPending(world, pending.id));
  if (pending && !kept) await dropPending(db, pending.id);
  const id = kept && pending ? pending.id : newId('key', world.clock.now(), world.random.bytes(10));
  const secret = kept ?? (await kinds[kind].newSecret(world, { name, old, given }));
  await keepPending(world, id, secret);
  const base = { kind, name, reason, by };
  const first = newId('key', new Date(0), world.random.bytes(10));
  await insertKey(db, { ...base, id: first, handle: old, state: 'active', expiresAt: undefined });
  const handle = await kinds[kind].handleOf(world, { name, id, secret, old });
  await insertKey(db, { ...base, id, handle, state: 'pending', expiresAt: endOf(world, one, manner) });
}

function endOf({ clock }: Runtime, { kind, keys }: Candidate, { expiresInMs }: Manner): Date | undefined {
  if (kind === 'api') return undefined;
  const last = keys.find(({ state }) => state === 'active');
  const lastMs = last?.expiresAt && last.expiresAt.getTime() - last.createdAt.getTime();
  const ms = expiresInMs ?? lastMs;
  return ms === undefined ? undefined : new Date(clock.now().getTime() + ms);
}

async function pendingOf(world: Runtime, { kind, subject }: Candidate): Promise<Key | undefined> {
  const rows = await livingKeys(await world.postgres());
  return rows.find((key) => key.kind === kind && key.name === subject.name && key.state === 'pending');
}

/** The new key of a rotation under way. Throws where its secret is lost. */
export async function comingOf(world: Runtime, one: Candidate): Promise<Coming> {
  const pending = await pendingOf(world, one);
  const secret = pending && (await readPending(world, pending.id));
  if (!pending || !secret) throw lost(one, pending?.id);
  const { id, handle, name, expiresAt } = pending;
  return { id, handle, name, secret, expiresAt, old: one.subject.handle };
}

function lost(one: Candidate, id: string | undefined): OperatorError {
  return new OperatorError(
    'unreachable',
    `the new secret of ${nameOf(one)} is not in ${pendingPath(id ?? '…')}`,
    { hint: 'Run it again: a new one is made' },
  );
}

function nameOf({ kind, subject }: Candidate): string {
  return kind === subject.name ? kind : `${kind} ${subject.name}`;
}

/** When nothing is under way any more, neither the `.env` of before nor any new secret of a rotation need lie about. */
export const tidyUp: Step = {
  do: 'tidy-up',
  what: `remove ${keptEnvPath} if no rotation is under way`,
  run: async (world) => {
    if (await isUnderWay(world)) return;
    for (const name of await pendingSecrets(world)) await forgetPending(world, name);
    await world.files.remove(join(world.dir, keptEnvPath));
  },
};

/** True where a run was cut off before it had tidied up. */
export async function isUntidy(world: Runtime): Promise<boolean> {
  if (await isUnderWay(world)) return false;
  const kept = await world.files.modeOf(join(world.dir, keptEnvPath));
  return kept !== undefined || (await pendingSecrets(world)).length > 0;
}

async function isUnderWay(world: Runtime): Promise<boolean> {
  return (await livingKeys(await world.postgres())).some(({ state }) => state !== 'active');
}

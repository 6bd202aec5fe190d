import { readSenderDomains, type SeenSenderDomains, wishSenderDomains } from '../../store/sender-domains.ts';
import type { ApiWorld } from './room.ts';

/** What is known of the domains that Postal has verified. */
export interface Look {
  /** Undefined where nobody ever looked: there is no access to Postal's database. */
  readonly seen: SeenSenderDomains | undefined;
  /** Whether it was looked at after the question. */
  readonly isNew: boolean;
}

/** The worker looks at Postal's database; this is where its looks are told. */
export interface SenderLooks {
  /** The last look, read at most once in an interval. */
  last(): Promise<Look>;
  /** Has the worker look at once and waits for it; many questions are one look. After one in vain nobody waits for an interval. */
  anew(): Promise<Look>;
}

interface Times {
  readonly intervalMs: number;
  readonly waitMs: number;
}

interface State {
  readonly world: Pick<ApiWorld, 'db' | 'clock'>;
  readonly times: Times;
  read: { readonly seen: SeenSenderDomains | undefined; readonly atMs: number } | undefined;
  asked: Promise<Look> | undefined;
  vainUntilMs: number;
}

/** So often is looked, in the shorter of both times, whether the worker has looked. */
const steps = 20;

/** Opens them; nothing is read before the first question. */
export function openSenderLooks(world: State['world'], times: Times): SenderLooks {
  const state: State = { world, times, read: undefined, asked: undefined, vainUntilMs: 0 };
  return {
    last: async () => ({ seen: await last(state), isNew: false }),
    anew: () => anew(state),
  };
}

async function last(state: State): Promise<SeenSenderDomains | undefined> {
  const { read, times, world } = state;
  const now = world.clock.monotonicMs();
  if (!read || now - read.atMs >= times.intervalMs) return reread(state);
  return read.seen && { ...read.seen, ageMs: read.seen.ageMs + now - read.atMs };
}

async function reread(state: State): Promise<SeenSenderDomains | undefined> {
  const { clock, db } = state.world;
  const atMs = clock.monotonicMs();
  const seen = await readSenderDomains(db);
  state.read = { seen, atMs };
  return seen;
}

/** A look under way may have begun before what the question is about was done: it is waited for, and the next one taken. */
async function anew(state: State): Promise<Look> {
  await state.asked?.catch(() => undefined);
  state.asked ??= ask(state).finally(() => {
    state.asked = undefined;
  });
  return state.asked;
}

async function ask(state: State): Promise<Look> {
  const { world, times } = state;
  const { clock, db } = world;
  const beganMs = clock.monotonicMs();
  if (beganMs < state.vainUntilMs) return { seen: await reread(state), isNew: false };
  const wishedAt = await wishSenderDomains(db);
  for (;;) {
    const seen = await reread(state);
    if (!seen) return { seen, isNew: false };
    if (seen.readAt >= wishedAt) return { seen, isNew: true };
    if (clock.monotonicMs() - beganMs >= times.waitMs) return giveUp(state, seen);
    await clock.sleep(Math.min(times.waitMs, times.intervalMs) / steps);
  }
}

function giveUp(state: State, seen: SeenSenderDomains): Look {
  state.vainUntilMs = state.world.clock.monotonicMs() + state.times.intervalMs;
  return { seen, isNew: false };
}

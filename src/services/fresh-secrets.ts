import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';
import type { Redis } from '../adapters/redis.ts';
import type { RenewingPostgres } from '../adapters/renewing-postgres.ts';
import type { Secret } from '../domain/secret.ts';

/** What keeping secrets fresh needs. */
export interface FreshSecrets {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
  readonly intervalMs: number;
  /** Reads the configuration again; returns the names of what changed. */
  reread(): Promise<readonly string[]>;
  /** Fingerprints of what was read, by variable. */
  held(): ReadonlyMap<string, string>;
  /** Says which secrets this process works with, so that an old one is not taken away under it. */
  report(held: ReadonlyMap<string, string>): Promise<void>;
  /** Takes the new values into use; gives back the names of those that do not work yet and are to be tried again. */
  renew(): Promise<readonly string[]>;
}

/** A watch that can be told to look at once, until it is disposed. */
export interface SecretWatch extends AsyncDisposable {
  look(): void;
  /** Looks at once; resolves when that look is over, whatever it found. */
  looked(): Promise<void>;
}

/**
 * Looks every `intervalMs` whether a secret was replaced, and takes it into use without a restart. What cannot be read or does not
 * work leaves everything as it is, says so once, and is looked at again.
 */
export function keepSecretsFresh(room: FreshSecrets): SecretWatch {
  const stopping = new AbortController();
  const state = { wake: new AbortController(), owed: [], complained: '', works: room.held() };
  const asking: (() => void)[] = [];
  const ended = (async () => {
    // Unheard now, it is said again at the first look.
    await room.report(state.works).catch(() => undefined);
    while (!stopping.signal.aborted) {
      await room.clock.sleep(room.intervalMs, state.wake.signal);
      state.wake = new AbortController();
      const answered = asking.splice(0);
      if (!stopping.signal.aborted) await look(room, state);
      for (const done of answered) done();
    }
    for (const done of asking) done();
  })();
  return {
    look: () => state.wake.abort(),
    looked: () => {
      if (stopping.signal.aborted) return Promise.resolve();
      const over = new Promise<void>((resolve) => asking.push(resolve));
      state.wake.abort();
      return over;
    },
    [Symbol.asyncDispose]: () => {
      stopping.abort();
      state.wake.abort();
      return ended;
    },
  };
}

interface State {
  owed: readonly string[];
  complained: string;
  /** What is in use: a secret that was read and does not work yet is not, and keeps no other from it. */
  works: ReadonlyMap<string, string>;
}

async function look(room: FreshSecrets, state: State): Promise<void> {
  try {
    const changed = await room.reread();
    if (changed.length > 0) room.log.info('secrets were replaced', { names: changed });
    if (changed.length > 0 || state.owed.length > 0) state.owed = await room.renew();
    state.works = inUse(room.held(), state);
    if (state.owed.length === 0) state.complained = '';
    else
      complain(
        room,
        state,
        `${state.owed.join(', ')}: the new value does not work yet, the one before stays in use`,
      );
    await room.report(state.works);
  } catch (error) {
    complain(room, state, error instanceof Error ? error.message : String(error));
  }
}

function inUse(held: ReadonlyMap<string, string>, { owed, works }: State): ReadonlyMap<string, string> {
  return new Map([
    ...[...held].filter(([name]) => !owed.includes(name)),
    ...[...works].filter(([name]) => owed.includes(name)),
  ]);
}

function complain({ log }: FreshSecrets, state: State, why: string): void {
  if (state.complained !== why) log.warn('secrets were not renewed', { why });
  state.complained = why;
}

/** One store that a login leads to. */
export interface Renewal {
  /** The variables that the login is made of. */
  readonly of: readonly string[];
  /** Shows the store the login as it is now; false when it is refused. */
  renew(): Promise<boolean>;
}

/** Renews every login; gives back the variables of those that do not work yet. */
export async function renewAll(renewals: readonly Renewal[]): Promise<readonly string[]> {
  const owed = await Promise.all(renewals.map(async ({ of, renew }) => ((await renew()) ? [] : of)));
  return owed.flat();
}

/** The login of a service at PostgreSQL. */
export function postgresLogin({ renew }: Pick<RenewingPostgres, 'renew'>): Renewal {
  return { of: ['POSTGRES_USER', 'POSTGRES_PASSWORD'], renew };
}

/** The password of Redis, where one is used. */
export function redisLogin(
  redis: Pick<Redis, 'renew'> | undefined,
  config: { readonly REDIS_PASSWORD?: Secret | undefined },
): Renewal {
  return {
    of: ['REDIS_PASSWORD'],
    renew: async () => !redis || !config.REDIS_PASSWORD || redis.renew(config.REDIS_PASSWORD),
  };
}

import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';
import type { Redis } from '../adapters/redis.ts';
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
  /** Takes the new values into use; false when they do not work yet and are to be tried again. */
  renew(): Promise<boolean>;
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
  const state = { wake: new AbortController(), owed: false, complained: '', works: room.held() };
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
  owed: boolean;
  complained: string;
  /** What it held when all of it worked last: a secret that was read and does not work yet is not in use. */
  works: ReadonlyMap<string, string>;
}

async function look(room: FreshSecrets, state: State): Promise<void> {
  try {
    const changed = await room.reread();
    if (changed.length > 0) room.log.info('secrets were replaced', { names: changed });
    if (changed.length > 0 || state.owed) state.owed = !(await room.renew());
    if (state.owed) complain(room, state, 'a replaced secret does not work yet; the one before stays in use');
    else Object.assign(state, { complained: '', works: room.held() });
    await room.report(state.works);
  } catch (error) {
    complain(room, state, error instanceof Error ? error.message : String(error));
  }
}

function complain({ log }: FreshSecrets, state: State, why: string): void {
  if (state.complained !== why) log.warn('secrets were not renewed', { why });
  state.complained = why;
}

/** Takes every new value into use; false when one of them does not work yet. */
export async function renewAll(renewals: readonly (() => Promise<boolean>)[]): Promise<boolean> {
  const done = await Promise.all(renewals.map((renew) => renew()));
  return done.every(Boolean);
}

/** Shows Redis the password as it is now. */
export async function renewRedis(
  redis: Pick<Redis, 'renew'> | undefined,
  { REDIS_PASSWORD }: { readonly REDIS_PASSWORD?: Secret | undefined },
): Promise<boolean> {
  return !redis || !REDIS_PASSWORD || redis.renew(REDIS_PASSWORD);
}

import { openPostgres, type Postgres, type PostgresAddress } from './postgres.ts';

/** A pool whose login can be replaced while it is used. */
export interface RenewingPostgres extends Postgres {
  /**
   * Opens a pool with the address as it is now and, once that is let in, uses it for everything that begins from then on; what is
   * under way ends on the old one. False, and nothing changed, when the new login is not let in.
   */
  renew(): Promise<boolean>;
}

interface Generation {
  readonly pool: Postgres;
  readonly login: string;
  under: number;
  /** Set when it is to be closed after the last piece of work: a pool that is closed forgets who still waits for it. */
  left: (() => void) | undefined;
}

/** Opens a pool on `address`, which is read now and at each renewal. */
export function openRenewingPostgres(
  address: () => PostgresAddress,
  probe: (db: Postgres) => Promise<void>,
): RenewingPostgres {
  let current = open(address());
  const leaving = new Set<Promise<void>>();
  const leave = (old: Generation): void => {
    const left = closed(old).finally(() => leaving.delete(left));
    leaving.add(left);
  };
  return {
    query: (text, values) => on(current, (pool) => pool.query(text, values)),
    change: (text, values) => on(current, (pool) => pool.change(text, values)),
    transaction: (work, pace) => on(current, (pool) => pool.transaction(work, pace)),
    renew: async () => {
      if (loginOf(address()) === current.login) return true;
      const next = open(address());
      const works = await probe(next.pool).then(
        () => true,
        () => false,
      );
      leave(works ? current : next);
      if (works) current = next;
      return works;
    },
    [Symbol.asyncDispose]: async () => {
      await current.pool[Symbol.asyncDispose]();
      await Promise.all(leaving);
    },
  };
}

function open(address: PostgresAddress): Generation {
  return { pool: openPostgres(address), login: loginOf(address), under: 0, left: undefined };
}

async function on<T>(generation: Generation, work: (pool: Postgres) => Promise<T>): Promise<T> {
  generation.under += 1;
  try {
    return await work(generation.pool);
  } finally {
    generation.under -= 1;
    if (generation.under === 0) generation.left?.();
  }
}

async function closed(generation: Generation): Promise<void> {
  await new Promise<void>((resolve) => {
    generation.left = resolve;
    if (generation.under === 0) resolve();
  });
  await generation.pool[Symbol.asyncDispose]();
}

function loginOf({ user, password }: PostgresAddress): string {
  return `${user}\n${password.reveal()}`;
}

import type { Database } from '../adapters/postgres.ts';

/** Records when shared secrets were last presented, by fingerprint; a later time that is there already stays. */
export async function recordSecretUse(db: Database, uses: ReadonlyMap<string, Date>): Promise<void> {
  if (uses.size === 0) return;
  await db.change(
    `insert into secret_uses (fingerprint, last_used_at) select * from unnest($1::text[], $2::timestamptz[])
     on conflict (fingerprint) do update set last_used_at = greatest(secret_uses.last_used_at, excluded.last_used_at)`,
    [[...uses.keys()], [...uses.values()]],
  );
}

/** When a secret was last presented; undefined where it never was. */
export async function lastSecretUse(db: Database, fingerprint: string): Promise<Date | undefined> {
  const [row] = await db.query<{ at: Date }>(
    'select last_used_at as at from secret_uses where fingerprint = $1',
    [fingerprint],
  );
  return row?.at;
}

/** Records which secrets a process holds now, by variable, in place of what it held. */
export async function recordHolder(
  db: Database,
  holder: string,
  held: ReadonlyMap<string, string>,
): Promise<void> {
  await db.change(
    `insert into secret_holders (holder, variable, fingerprint)
     select $1, * from unnest($2::text[], $3::text[])
     on conflict (holder, variable) do update set fingerprint = excluded.fingerprint, at = now()`,
    [holder, [...held.keys()], [...held.values()]],
  );
}

/** Processes of a room that live (they reported within `withinMs`) and hold none of these secrets under this variable. */
export async function holdersWithout(
  db: Database,
  want: {
    readonly room: string;
    readonly variables: readonly string[];
    readonly fingerprint: string;
    readonly withinMs: number;
  },
): Promise<readonly string[]> {
  const rows = await db.query<{ holder: string }>(
    `select holder from secret_holders
     where holder like $1 || ' %' and variable = any($2) and at > now() - $4 * interval '1 ms'
     group by holder having not bool_or(fingerprint = $3) order by holder`,
    [want.room, want.variables, want.fingerprint, want.withinMs],
  );
  return rows.map(({ holder }) => holder);
}

/** Forgets processes that have not reported for a day. */
export async function forgetHolders(db: Database): Promise<void> {
  await db.change(`delete from secret_holders where at < now() - interval '1 day'`);
}

import type { Database } from '../adapters/postgres.ts';
import type { Key, KeyKind, KeyState } from '../domain/key.ts';

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly kind: KeyKind;
  readonly name: string;
  readonly handle: string;
  readonly state: KeyState;
  readonly created_at: Date;
  readonly retiring_at: Date | null;
  readonly overlap_ms: number;
  readonly expires_at: Date | null;
  readonly reason: string;
  readonly changed_by: string;
}

const columns = `id, kind, name, handle, state, created_at, retiring_at, expires_at, reason, changed_by,
  coalesce(extract(epoch from overlap_ends_at - retiring_at) * 1000, 0)::float as overlap_ms`;

/** Keys that are not retired, oldest first. */
export async function livingKeys(db: Database): Promise<readonly Key[]> {
  const rows = await db.query<Row>(`select ${columns} from keys where state <> 'retired' order by id`);
  return rows.map(({ created_at, retiring_at, overlap_ms, expires_at, changed_by, ...row }) => ({
    ...row,
    createdAt: created_at,
    retiringAt: retiring_at ?? undefined,
    overlapMs: overlap_ms,
    expiresAt: expires_at ?? undefined,
    changedBy: changed_by,
  }));
}

/** When a key of some kind ends. */
export interface KeyEnd {
  readonly kind: KeyKind;
  readonly handle: string;
  readonly expiresAt: Date;
}

/** The ends of the keys of these kinds that are not retired; most have none. */
export function endsOfKeys(db: Database, kinds: readonly KeyKind[]): Promise<readonly KeyEnd[]> {
  return db.query<KeyEnd & Record<string, unknown>>(
    `select kind, handle, expires_at as "expiresAt" from keys
     where kind = any($1::text[]) and state <> 'retired' and expires_at is not null`,
    [kinds],
  );
}

interface NewKey {
  readonly id: string;
  readonly kind: KeyKind;
  readonly name: string;
  readonly handle: string;
  readonly state: 'pending' | 'active';
  readonly expiresAt: Date | undefined;
  readonly reason: string;
  readonly by: string;
}

/** Writes a key down. Nothing when the subject has one in that state already. */
export async function insertKey(db: Database, key: NewKey): Promise<void> {
  await db.change(
    `insert into keys (id, kind, name, handle, state, expires_at, reason, changed_by) values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict do nothing`,
    [key.id, key.kind, key.name, key.handle, key.state, key.expiresAt, key.reason, key.by],
  );
}

interface Subject {
  readonly kind: KeyKind;
  readonly name: string;
}

/** The pending key of a subject is in use from now on, and the one before it retires when `overlapMs` are over. */
export async function switchKeys(
  db: Database,
  { kind, name }: Subject,
  { now, overlapMs, by }: { readonly now: Date; readonly overlapMs: number; readonly by: string },
): Promise<void> {
  await db.transaction(async (within) => {
    await within.change(
      `update keys set state = 'retiring', retiring_at = $3::timestamptz, overlap_ends_at = $3::timestamptz + $4 * interval '1 ms', changed_by = $5
       where kind = $1 and name = $2 and state = 'active'
         and exists (select from keys where kind = $1 and name = $2 and state = 'pending')`,
      [kind, name, now, overlapMs, by],
    );
    await within.change(
      `update keys set state = 'active', activated_at = $3, changed_by = $4
       where kind = $1 and name = $2 and state = 'pending'`,
      [kind, name, now, by],
    );
  });
}

/** A key that nothing accepts any more. */
export async function retireKey(db: Database, id: string, now: Date, by: string): Promise<void> {
  await db.change(
    `update keys set state = 'retired', retired_at = $2, changed_by = $3 where id = $1 and state = 'retiring'`,
    [id, now, by],
  );
}

/** Forgets a key that was never used, because its secret is lost. */
export async function dropPending(db: Database, id: string): Promise<void> {
  await db.change(`delete from keys where id = $1 and state = 'pending'`, [id]);
}

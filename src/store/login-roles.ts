import type { Database } from '../adapters/postgres.ts';

/** Who is logged in, and as whom it acts: a login role acts as the role that owns the database. */
export interface Login {
  readonly login: string;
  readonly owner: string;
}

/** The login of this connection. */
export async function currentLogin(db: Database): Promise<Login> {
  const [row] = await db.query<Login & Record<string, unknown>>(
    'select session_user::text as login, current_user::text as owner',
  );
  return row ?? { login: '', owner: '' };
}

/** Makes a role that may log in and then acts as `owner`, so that everything it makes is the owner's. Safe to repeat. */
export async function makeLogin(db: Database, role: string, owner: string, verifier: string): Promise<void> {
  const known = await db.query('select 1 from pg_roles where rolname = $1', [role]);
  const [login, acts] = [quoted(role), quoted(owner)];
  await db.transaction(async (within) => {
    if (known.length === 0) await within.change(`create role ${login}`);
    await within.change(`alter role ${login} login password '${requireVerifier(verifier)}'`);
    await within.change(`grant ${acts} to ${login}`);
    await within.change(`alter role ${login} set role = ${acts}`);
  });
}

/** How many connections a role has now. */
export async function sessionsOf(db: Database, role: string): Promise<number> {
  const [row] = await db.query<{ sessions: number }>(
    'select count(*)::integer as sessions from pg_stat_activity where usename = $1 and pid <> pg_backend_pid()',
    [role],
  );
  return row?.sessions ?? 0;
}

/**
 * Ends a login for good: an owner keeps its tables and loses its password, any other role goes, and so does whoever is still connected with
 * it, where the role of this connection may end them. Safe to repeat.
 */
export async function endLogin(db: Database, role: string, owner: string): Promise<void> {
  const known = await db.query('select 1 from pg_roles where rolname = $1', [role]);
  if (known.length === 0) return;
  await db.change(`alter role ${quoted(role)} ${role === owner ? 'password null' : 'nologin'}`);
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where usename = $1 and pid <> pg_backend_pid() and pg_has_role(usesysid, 'usage')`,
    [role],
  );
  if (role !== owner) await db.change(`drop role if exists ${quoted(role)}`);
}

/** A name of a role cannot be bound as a value. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function requireVerifier(verifier: string): string {
  if (/^SCRAM-SHA-256\$[\w+/=:$]+$/.test(verifier)) return verifier;
  throw new TypeError('this is no SCRAM verifier');
}

import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Secret } from '../../domain/secret.ts';
import { quoted } from './quoted.ts';

/** One account of a user: whence it may log in. */
export interface Account extends Record<string, unknown> {
  readonly user: string;
  readonly host: string;
}

/** Makes a user with the rights of another, from wherever that one may log in. Safe to repeat; false when there is no such other. */
export async function copyUser(
  session: MariadbSession,
  { from, to, password }: { readonly from: string; readonly to: string; readonly password: Secret },
): Promise<boolean> {
  const accounts = await accountsOf(session, from);
  for (const { host } of accounts) {
    const made = nameOf({ user: to, host });
    await session.command(`create user if not exists ${made} identified by '${requirePlain(password)}'`);
    await session.command(`alter user ${made} identified by '${requirePlain(password)}'`);
    for (const right of await rightsOf(session, { user: from, host }))
      await session.command(`${right} to ${made}`);
  }
  return accounts.length > 0;
}

/** How many connections a user has now, besides this one. */
export async function sessionsOfUser(session: MariadbSession, user: string): Promise<number> {
  const [row] = await session.query<{ sessions: number }>(
    'select count(*) as sessions from information_schema.processlist where user = ? and id <> connection_id()',
    [user],
  );
  return Number(row?.sessions ?? 0);
}

/** Ends a login for good, and whoever is still connected with it. Safe to repeat. */
export async function dropUser(session: MariadbSession, user: string): Promise<void> {
  for (const account of await accountsOf(session, user))
    await session.command(`drop user if exists ${nameOf(account)}`);
  await session.command(`kill user ${quoted(user)}`);
}

/** From where a user may log in. */
export function accountsOf(session: MariadbSession, user: string): Promise<readonly Account[]> {
  return session.query<Account>('select user as user, host as host from mysql.user where user = ?', [user]);
}

/** Its grants without whom they are for; what merely lets it log in is left out (MariaDB, SHOW GRANTS). */
async function rightsOf(session: MariadbSession, account: Account): Promise<readonly string[]> {
  const rows = await session.query(`show grants for ${nameOf(account)}`);
  return rows
    .flatMap((row) => Object.values(row).map(String))
    .filter((grant) => !grant.startsWith('GRANT USAGE '))
    .flatMap((grant) => /^(GRANT .+) TO `/.exec(grant)?.[1] ?? []);
}

/** An account as statements name it. */
export function nameOf({ user, host }: Account): string {
  return `${quoted(user)}@${quoted(host)}`;
}

/** A password cannot be bound as a value in these statements. */
function requirePlain(password: Secret): string {
  if (/^[\w-]+$/.test(password.reveal())) return password.reveal();
  throw new TypeError('a generated secret has letters, digits, _ and - alone');
}

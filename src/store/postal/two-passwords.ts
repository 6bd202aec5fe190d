import type { MariadbSession } from '../../adapters/mariadb.ts';
import { isByPassword, methodsOf, withHash } from '../../domain/account-methods.ts';
import { type Account, accountsOf, nameOf } from './login-users.ts';

/** Hashes of passwords, as MariaDB keeps them. */
interface Passwords {
  readonly now: string;
  readonly next: string;
}

/**
 * Has a user let in by either of two passwords, from wherever the first one lets it in (MariaDB, ALTER USER … OR); what else lets it in
 * stays. Safe to repeat; false where no account of it takes the first one.
 */
export async function takeBothPasswords(
  session: MariadbSession,
  user: string,
  { now, next }: Passwords,
): Promise<boolean> {
  const both = [withHash(next), withHash(now)];
  return change(session, user, now, (methods) => [...both, ...methods.filter((one) => !both.includes(one))]);
}

/** Has a user let in by this password and no other; what is no password stays. Safe to repeat; false where no account takes it. */
export function takeOnePassword(session: MariadbSession, user: string, hash: string): Promise<boolean> {
  return change(session, user, hash, (methods) => [
    withHash(hash),
    ...methods.filter((one) => !isByPassword(one)),
  ]);
}

async function change(
  session: MariadbSession,
  user: string,
  hash: string,
  turn: (methods: readonly string[]) => readonly string[],
): Promise<boolean> {
  let isKnown = false;
  for (const account of await accountsOf(session, user)) {
    const methods = await methodsNow(session, account);
    if (!methods.includes(withHash(hash))) continue;
    isKnown = true;
    const wanted = turn(methods);
    if (wanted.join() !== methods.join())
      await session.command(`alter user ${nameOf(account)} identified via ${wanted.join(' or ')}`);
  }
  return isKnown;
}

/** None of an account that MariaDB passes over, such as one by the name of a host with `skip_name_resolve`. */
async function methodsNow(session: MariadbSession, account: Account): Promise<readonly string[]> {
  const rows = await session.query(`show create user ${nameOf(account)}`).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ER_PASSWORD_NO_MATCH') return [];
    throw cause;
  });
  return rows.flatMap((row) => Object.values(row).map(String)).flatMap(methodsOf);
}

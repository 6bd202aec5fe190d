import type { MariadbSession } from '../../../adapters/mariadb.ts';
import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { OperatorError } from '../../../domain/failure.ts';
import { nativePasswordHash } from '../../../domain/native-password.ts';
import type { Runtime } from '../../../runtime.ts';
import { sessionsOfUser } from '../../../store/postal/login-users.ts';
import { takeBothPasswords, takeOnePassword } from '../../../store/postal/two-passwords.ts';
import { setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';
import { asAdministrator, hasAdministrator } from '../mariadb-administrator.ts';

/**
 * The password of the user that makes all others, and so has nobody beside it to take turns with: it is let in by either of two
 * passwords until the old one goes.
 */
export const mariadbRootKind: KindOfKey = {
  subjects: async (world) => {
    if (!(await hasAdministrator(world))) return [];
    return [{ name: 'mariadb-root', handle: fingerprintOf(await passwordNow(world)) }];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  issue: async (world, { secret }) => {
    const passwords = { now: nativePasswordHash(await passwordNow(world)), next: nativePasswordHash(secret) };
    await forEach(world, (session, user) => takeBothPasswords(session, user, passwords));
  },
  distribute: (world, { secret }) => setValues(world, new Map([['MARIADB_ROOT_PASSWORD', secret]])),
  // Which of the two a connection showed nobody can know: any that is there counts, such as that of a backup.
  lastUsed: async (world) => {
    const others = await asAdministrator(world, async (session) => {
      const counts = [];
      for (const user of await usersOf(world)) counts.push(await sessionsOfUser(session, user));
      return counts.some((count) => count > 0);
    });
    return others ? world.clock.now() : undefined;
  },
  retire: async (world, { handle }) => {
    const password = await passwordNow(world);
    if (fingerprintOf(password) === handle) throw stillUsed();
    await forEach(world, (session, user) => takeOnePassword(session, user, nativePasswordHash(password)));
  },
};

async function passwordNow(world: Runtime) {
  return (await world.config('operator')).MARIADB_ROOT_PASSWORD;
}

/** In a stack backups and the check of its databases log in as root, whoever else is named. */
async function usersOf(world: Runtime): Promise<readonly string[]> {
  const { MARIADB_ADMIN_USER: named } = await world.config('operator');
  return [...new Set([named, ...((await world.addresses.onHost()) ? ['root'] : [])])];
}

/** The user that is named must be known with the password; root of a stack may have another one. */
async function forEach(
  world: Runtime,
  work: (session: MariadbSession, user: string) => Promise<boolean>,
): Promise<void> {
  const [named = '', ...others] = await usersOf(world);
  await asAdministrator(world, async (session) => {
    if (!(await work(session, named))) throw noPassword(named);
    for (const user of others) await work(session, user);
  });
}

function noPassword(user: string): OperatorError {
  return new OperatorError('refused', `MariaDB keeps no password of ${user} that could have a second one`, {
    hint: 'It logs in by another plug-in than mysql_native_password: rotate it by hand',
    field: 'MARIADB_ADMIN_USER',
  });
}

function stillUsed(): OperatorError {
  return new OperatorError('refused', 'MARIADB_ROOT_PASSWORD is still the old one', {
    hint: 'Check that it comes from .env: mailctl config show --origin',
    field: 'MARIADB_ROOT_PASSWORD',
  });
}

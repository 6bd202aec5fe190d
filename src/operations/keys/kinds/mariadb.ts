import { OperatorError } from '../../../domain/failure.ts';
import { Secret } from '../../../domain/secret.ts';
import type { MariadbSession } from '../../../adapters/mariadb.ts';
import type { Runtime } from '../../../runtime.ts';
import { copyUser, dropUser, sessionsOfUser } from '../../../store/postal/login-users.ts';
import { setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

/** MariaDB knows one password a user: two users with the same rights alternate. */
export const mariadbKind: KindOfKey = {
  subjects: async ({ config }) => {
    const {
      POSTAL_DB_HOST: host,
      POSTAL_DB_USER: user,
      POSTAL_DB_PASSWORD: password,
    } = await config('operator');
    return host !== undefined && user !== undefined && password ? [{ name: 'mariadb', handle: user }] : [];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { old }) => otherOf(old),
  issue: (world, { handle, old, secret }) =>
    asAdministrator(world, async (session) => {
      if (old === handle) return;
      if (!(await copyUser(session, { from: old, to: handle, password: secret }))) throw unknown(old);
    }),
  distribute: (world, { handle, secret }) =>
    setValues(
      world,
      new Map([
        ['POSTAL_DB_USER', new Secret(handle)],
        ['POSTAL_DB_PASSWORD', secret],
      ]),
    ),
  users: { rooms: ['worker'], variables: ['POSTAL_DB_PASSWORD'] },
  lastUsed: (world, { handle }) =>
    asAdministrator(world, async (session) =>
      (await sessionsOfUser(session, handle)) > 0 ? world.clock.now() : undefined,
    ),
  retire: async (world, { handle }) => {
    const { POSTAL_DB_USER: user } = await world.config('operator');
    if (user === handle) throw stillUsed(handle);
    await asAdministrator(world, (session) => dropUser(session, handle));
  },
};

/** Of `reader` it is `reader_a`, of `reader_a` it is `reader_b`, and back. */
function otherOf(user: string): string {
  return user.endsWith('_a') ? `${user.slice(0, -2)}_b` : `${user.replace(/_b$/, '')}_a`;
}

async function asAdministrator<T>(world: Runtime, work: (session: MariadbSession) => Promise<T>): Promise<T> {
  const config = await world.config('operator');
  const host = (await world.addresses.containerOf('mariadb')) ?? config.POSTAL_DB_HOST ?? '';
  const login = { user: config.MARIADB_ADMIN_USER, password: config.MARIADB_ROOT_PASSWORD };
  const address = { host, port: config.POSTAL_DB_PORT, ...login, timeoutMs: config.POSTAL_DB_TIMEOUT };
  return (await world.mariadbAt())(address).session(work);
}

function unknown(user: string): OperatorError {
  return new OperatorError('refused', `MariaDB has no user ${user} whose rights the next one could have`, {
    hint: 'See that POSTAL_DB_HOST and POSTAL_DB_USER belong together: mailctl config show --origin',
    field: 'POSTAL_DB_USER',
  });
}

function stillUsed(user: string): OperatorError {
  return new OperatorError('refused', `POSTAL_DB_USER is still ${user}`, {
    hint: 'Check that it comes from .env: mailctl config show --origin',
    field: 'POSTAL_DB_USER',
  });
}

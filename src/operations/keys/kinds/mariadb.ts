import { postalReaderName } from '../../../config/postal-database-address.ts';
import { otherLogin } from '../../../domain/login-name.ts';
import { OperatorError } from '../../../domain/failure.ts';
import { Secret } from '../../../domain/secret.ts';
import type { MariadbSession } from '../../../adapters/mariadb.ts';
import type { Runtime } from '../../../runtime.ts';
import { copyUser, dropUser, sessionsOfUser } from '../../../store/postal/login-users.ts';
import { setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

/** MariaDB knows one password a user: two users with the same rights alternate. */
export const mariadbKind: KindOfKey = {
  subjects: async (world) => {
    const handle = await userNow(world);
    return handle === undefined ? [] : [{ name: 'mariadb', handle }];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { old }) => otherLogin(old),
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
    if ((await userNow(world)) === handle) throw stillUsed(handle);
    await asAdministrator(world, (session) => dropUser(session, handle));
  },
};

/** On the host of a stack the user has a name although none is configured. */
async function userNow({ config, addresses }: Runtime): Promise<string | undefined> {
  const settings = await config('operator');
  if (settings.POSTAL_DB_PASSWORD === undefined) return undefined;
  if (await addresses.onHost()) return postalReaderName(settings);
  return settings.POSTAL_DB_HOST === undefined ? undefined : settings.POSTAL_DB_USER;
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

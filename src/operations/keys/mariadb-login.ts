import type { VariableName } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { KeyKind } from '../../domain/key.ts';
import { otherLogin } from '../../domain/login-name.ts';
import { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { copyUser, dropUser, sessionsOfUser } from '../../store/postal/login-users.ts';
import { setValues } from './env-values.ts';
import type { KindOfKey } from './kind.ts';
import { asAdministrator } from './mariadb-administrator.ts';

/** Whose login it is, and where its two halves stand. */
interface MariadbLogin {
  readonly name: KeyKind;
  readonly user: VariableName;
  readonly password: VariableName;
  /** The user in use; undefined where there is none. */
  userNow(world: Runtime): Promise<string | undefined>;
}

/** A login at MariaDB of which it is to be seen whether it is used: two users with the same rights alternate. */
export function mariadbLogin(
  login: MariadbLogin,
): Omit<KindOfKey, 'users' | 'restartsPostal' | 'leastOverlapMs'> {
  return {
    subjects: async (world) => {
      const handle = await login.userNow(world);
      return handle === undefined ? [] : [{ name: login.name, handle }];
    },
    newSecret: ({ random }) => random.secret(),
    handleOf: (_, { old }) => otherLogin(old),
    issue: (world, { handle, old, secret }) =>
      asAdministrator(world, async (session) => {
        if (old === handle) return;
        if (!(await copyUser(session, { from: old, to: handle, password: secret })))
          throw unknown(old, login.user);
      }),
    distribute: (world, { handle, secret }) =>
      setValues(
        world,
        new Map([
          [login.user, new Secret(handle)],
          [login.password, secret],
        ]),
      ),
    lastUsed: (world, { handle }) =>
      asAdministrator(world, async (session) =>
        (await sessionsOfUser(session, handle)) > 0 ? world.clock.now() : undefined,
      ),
    retire: async (world, { handle }) => {
      if ((await login.userNow(world)) === handle) throw stillUsed(handle, login.user);
      await asAdministrator(world, (session) => dropUser(session, handle));
    },
  };
}

function unknown(user: string, variable: VariableName): OperatorError {
  return new OperatorError('refused', `MariaDB has no user ${user} whose rights the next one could have`, {
    hint: `See that POSTAL_DB_HOST and ${variable} belong together: mailctl config show --origin`,
    field: variable,
  });
}

function stillUsed(user: string, variable: VariableName): OperatorError {
  return new OperatorError('refused', `${variable} is still ${user}`, {
    hint: 'Check that it comes from .env: mailctl config show --origin',
    field: variable,
  });
}

import { scramVerifier } from '../../../domain/scram.ts';
import { Secret } from '../../../domain/secret.ts';
import { OperatorError } from '../../../domain/failure.ts';
import { currentLogin, endLogin, makeLogin, sessionsOf } from '../../../store/login-roles.ts';
import { setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

/** PostgreSQL knows one password a role: two login roles alternate, and both act as the role that owns the database. */
export const postgresKind: KindOfKey = {
  subjects: async ({ postgres }) => {
    const { login } = await currentLogin(await postgres());
    return [{ name: 'postgres', handle: login }];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: async ({ postgres }) => {
    const { login, owner } = await currentLogin(await postgres());
    return login === `${owner}_a` ? `${owner}_b` : `${owner}_a`;
  },
  issue: async ({ postgres, random }, { handle, secret }) => {
    const db = await postgres();
    const { login, owner } = await currentLogin(db);
    if (login !== handle) await makeLogin(db, handle, owner, scramVerifier(secret, random.bytes(16)));
  },
  distribute: (world, { handle, secret }) =>
    setValues(
      world,
      new Map([
        ['POSTGRES_USER', new Secret(handle)],
        ['POSTGRES_PASSWORD', secret],
      ]),
    ),
  users: { rooms: ['api', 'worker'], variables: ['POSTGRES_PASSWORD'] },
  lastUsed: async ({ postgres, clock }, { handle }) =>
    (await sessionsOf(await postgres(), handle)) > 0 ? clock.now() : undefined,
  retire: async ({ postgres }, { handle }) => {
    const db = await postgres();
    const { login, owner } = await currentLogin(db);
    if (login === handle) throw stillOurs(handle);
    await endLogin(db, handle, owner);
  },
};

function stillOurs(role: string): OperatorError {
  return new OperatorError('refused', `this command itself is logged in as ${role}`, {
    hint: 'Check that POSTGRES_USER and POSTGRES_PASSWORD come from .env, and run it again',
    field: 'POSTGRES_USER',
  });
}

import { OperatorError } from '../../domain/failure.ts';
import { ownerOfLogin } from '../../domain/login-name.ts';
import { scramVerifier } from '../../domain/scram.ts';
import type { Runtime } from '../../runtime.ts';
import { endLogin, makeLogin } from '../../store/login-roles.ts';

/**
 * Makes the login that `.env` names on a new volume, which was made with the owner's name and today's password although the login has
 * rotated since; the owner loses that password. On any other volume the owner does not take it, and nothing is changed.
 */
export async function settlePostgresLogin(world: Runtime): Promise<void> {
  const { POSTGRES_USER: login, POSTGRES_PASSWORD: password } = await world.config('operator');
  const owner = ownerOfLogin(login);
  if (login === owner) return;
  await using db = await world.postgresAs(owner);
  try {
    await makeLogin(db, login, owner, scramVerifier(password, world.random.bytes(16)));
    await endLogin(db, owner, owner);
  } catch (cause) {
    if (!(cause instanceof OperatorError) || cause.code !== 'access-denied') throw cause;
  }
}

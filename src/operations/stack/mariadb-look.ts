import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { databaseInventory } from '../../store/postal/inventory.ts';
import { lookAtContainers } from './current.ts';
import { runInside } from '../steps/run-inside.ts';

/** Runs a shell script inside the database's container, where the passwords are; it comes by stdin, and says what stdout says. */
async function inMariadb(world: Runtime, argv: readonly string[]): Promise<string> {
  const found = (await lookAtContainers(world)).get('mariadb');
  if (!found)
    throw new OperatorError('unreachable', 'mariadb does not run', { hint: 'Start it: mailctl up mariadb' });
  const { exit, stdout, stderr } = await runInside(world, found, argv);
  if (exit === 0) return stdout;
  const denied = /Access denied/.test(stderr);
  throw new OperatorError(
    denied ? 'access-denied' : 'unreachable',
    'MariaDB does not take its administrator',
    {
      hint: denied
        ? 'Its volume was made with another MARIADB_ROOT_PASSWORD: put that one back into .env'
        : 'See what it says: mailctl logs mariadb',
      cause: new Error(stderr.trim()),
    },
  );
}

/** Gives Postal's user and the one that only reads their rights, with today's passwords. */
export async function settleUsers(world: Runtime): Promise<void> {
  await inMariadb(world, ['sh', '/etc/mailctl/users.sh']);
}

/**
 * Refuses where databases of mail servers are there and Postal's main one is empty, or has tables and no migration written down, as a
 * restore leaves it that broke off: Postal would be set up anew, and making its first mail server drops the database of that number.
 */
export async function refuseLostMainDatabase(world: Runtime): Promise<void> {
  const { POSTAL_DB_NAME: main, POSTAL_DB_MESSAGE_PREFIX: prefix } = await world.config('operator');
  const query = databaseInventory(main, prefix);
  const script = `MYSQL_PWD=$(cat /run/secrets/MARIADB_ROOT_PASSWORD) exec mariadb -u root -N -B -e "$1"`;
  const said = await inMariadb(world, ['sh', '-c', script, 'sh', query]);
  const [tables = 0, servers = 0, migrations = 0] = said.trim().split(/\s/).map(Number);
  if (servers === 0 || (tables > 0 && migrations > 0)) return;
  const state =
    tables === 0
      ? `${main} is empty: setting Postal up would drop them`
      : `${main} is not whole (${tables} tables, no migration written down): setting Postal up would spoil it`;
  throw new OperatorError('refused', `MariaDB holds ${servers} databases of mail servers, but ${state}`, {
    hint: 'Restore the main database too (mailctl backup restore), or remove what is left of the others by hand if it is worth nothing',
    field: 'POSTAL_DB_NAME',
  });
}

import { type MariadbAddress, mariadbAt } from '../../../src/adapters/mariadb.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import type { TestPostal } from '../../engines/postal-databases.ts';

/** The logins at Postal's MariaDB besides the reader's, made by its real root; disposing drops them and what took turns with any. */
export interface MariadbLogins extends AsyncDisposable {
  /** Makes and drops the others; two accounts, as a stack's root has, of which one can also use the socket. */
  readonly administrator: MariadbAddress;
  /** With all rights on Postal's databases, and what no database is of. */
  readonly postal: MariadbAddress;
  readonly backup: MariadbAddress;
  /** How they stand in `.env`. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Host of the account that MariaDB passes over. */
export const passedOver = 'elsewhere.example.com';

/** Makes them. */
export async function mariadbLogins(stores: TestPostal): Promise<MariadbLogins> {
  const { reader, names, messages, run } = stores;
  const login = (what: string, password: string): MariadbAddress => ({
    ...reader,
    user: `${what}_${systemRandom.letters(8)}`,
    password: new Secret(password),
  });
  const logins = {
    administrator: login('admin', goodSecret),
    postal: login('postal', 'of-Postal-at-first'),
    backup: login('dumper', 'of-backups-at-first'),
  };
  const { administrator, postal, backup } = logins;
  const make = ({ user, password }: MariadbAddress, host = 'localhost') =>
    run(`create user ${user}@'${host}' identified by '${password.reveal()}'`);
  await make(administrator);
  await make(administrator, '%');
  await run(
    `alter user ${administrator.user}@localhost identified via mysql_native_password using password('${goodSecret}') or unix_socket`,
  );
  for (const host of ['localhost', '%'])
    await run(`grant all on *.* to ${administrator.user}@'${host}' with grant option`);
  // In the table, and passed over by MariaDB, as with skip_name_resolve what is by the name of a host.
  await run(
    `insert into mysql.global_priv (host, user, priv) values ('${passedOver}', '${administrator.user}', '{}')`,
  );
  for (const one of [postal, backup]) {
    await make(one);
    for (const database of [names.main, messages])
      await run(`grant all on \`${database}\`.* to ${one.user}@localhost`);
  }
  await run(`grant reload on *.* to ${backup.user}@localhost`);
  return {
    ...logins,
    variables: {
      MARIADB_ADMIN_USER: administrator.user,
      MARIADB_POSTAL_HOST: postal.host,
      MARIADB_POSTAL_USER: postal.user,
      MARIADB_POSTAL_PASSWORD: postal.password.reveal(),
      BACKUP_MARIADB_USER: backup.user,
      BACKUP_MARIADB_PASSWORD: backup.password.reveal(),
    },
    [Symbol.asyncDispose]: async () => {
      for (const { user } of [administrator, postal, backup, reader])
        for (const one of [user, `${user}_a`, `${user}_b`])
          for (const host of ['localhost', '%']) await run(`drop user if exists ${one}@'${host}'`);
      await run(
        `delete from mysql.global_priv where host = '${passedOver}' and user = '${administrator.user}'`,
      );
      await run(`create user ${reader.user}@localhost identified by 'x'`);
    },
  };
}

/** True where this login is let in. */
export const letsIn = (address: MariadbAddress) =>
  mariadbAt(address)
    .session((session) => session.query('select 1 as one'))
    .then(
      () => true,
      () => false,
    );

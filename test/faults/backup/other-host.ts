import { createConnection, type RowDataPacket } from 'mysql2/promise';

import { openPostgres, type Postgres } from '../../../src/adapters/postgres.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { startMariadbEngine } from '../../engines/mariadb-engine.ts';
import { testLimits } from '../../engines/postgres-address.ts';
import { startPostgresEngine } from '../../engines/postgres-engine.ts';

interface Started {
  readonly postgres: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  };
  readonly mariadb: { readonly socketPath: string; readonly user: string; readonly password: string };
}

/** Servers of another host, which know nothing of the first one's. */
export async function otherHost() {
  const engines = await Promise.all([startPostgresEngine(), startMariadbEngine()]);
  const [postgres, mariadb] = engines.map(({ address }) => address) as [
    Started['postgres'],
    Started['mariadb'],
  ];
  const inPostgres = async <T>(database: string, work: (db: Postgres) => Promise<T>): Promise<T> => {
    const password = new Secret(postgres.password);
    await using db = openPostgres({ ...postgres, ...testLimits, password, database });
    return await work(db);
  };
  const inMariadb = async (text: string): Promise<readonly RowDataPacket[]> => {
    const root = await createConnection({ ...mariadb });
    try {
      return (await root.query<RowDataPacket[]>(text))[0];
    } finally {
      root.destroy();
    }
  };
  return {
    postgres,
    mariadb,
    inPostgres,
    inMariadb,
    /** How `.env` has to read for them; the user that may dump and restore is the one it names. */
    variables: {
      POSTGRES_HOST: postgres.host,
      POSTGRES_PORT: String(postgres.port),
      POSTGRES_USER: postgres.user,
      POSTGRES_PASSWORD: postgres.password,
      POSTAL_DB_HOST: mariadb.socketPath,
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(engines.map(({ stop }) => stop()))),
  };
}

export type OtherHost = Awaited<ReturnType<typeof otherHost>>;

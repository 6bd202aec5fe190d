import type { Addresses } from '../adapters/addresses.ts';
import type { Mariadb, mariadbAt } from '../adapters/mariadb.ts';
import type { objectStoreAt } from '../adapters/object-store.ts';
import type { Postgres } from '../adapters/postgres.ts';
import type { Redis } from '../adapters/redis.ts';
import type { ConfigOf } from '../config/environment.ts';
import type { Opened } from '../domain/opened.ts';
import type { Secret } from '../domain/secret.ts';
import { once } from './once.ts';

/** Where the platform keeps what it knows. */
export interface Stores {
  postgres(): Promise<Postgres>;
  /** Another database of the same server, where a statement may take as long as a step of a backup; whoever asks for it disposes it. */
  postgresNamed(database: string): Promise<Postgres>;
  /** The same database as another role that has the same password; whoever asks for it disposes it. */
  postgresAs(POSTGRES_USER: string): Promise<Postgres>;
  /** Postal's databases; undefined where POSTAL_DB_HOST and its login are not set. */
  postalDatabase(): Promise<Mariadb | undefined>;
  /** Undefined where REDIS_URL is not set. */
  redis(): Promise<Redis | undefined>;
  /** The same Redis, shown another password. */
  redisAs(REDIS_PASSWORD: Secret): Promise<Redis | undefined>;
  /** What reaches a MariaDB. */
  mariadbAt(): Promise<typeof mariadbAt>;
  /** What reaches a bucket. */
  objectStoreAt(): Promise<typeof objectStoreAt>;
}

/** What the stores are reached by, and who closes them. */
export interface StoreOptions {
  config(): Promise<ConfigOf<'operator'>>;
  readonly addresses: Addresses;
  readonly opened: Opened;
}

/** Connects to each store when it is first asked for. */
export function openStores({ config, addresses, opened }: StoreOptions): Stores {
  return {
    postgres: once(async () => opened.use(await connectPostgres(await config(), addresses))),
    postgresNamed: async (database) => connectPostgres(await config(), addresses, database),
    postgresAs: async (POSTGRES_USER) => connectPostgres({ ...(await config()), POSTGRES_USER }, addresses),
    postalDatabase: once(async () => postalMariadb(await config(), addresses)),
    redis: once(async () => connectRedis(await config(), addresses, opened)),
    redisAs: async (REDIS_PASSWORD) =>
      connectRedis({ ...(await config()), REDIS_PASSWORD }, addresses, opened),
    mariadbAt: once(async () => (await import('../adapters/mariadb.ts')).mariadbAt),
    objectStoreAt: once(async () => (await import('../adapters/object-store.ts')).objectStoreAt),
  };
}

async function connectPostgres(
  config: ConfigOf<'operator'>,
  addresses: Addresses,
  named?: string,
): Promise<Postgres> {
  const { openPostgres } = await import('../adapters/postgres.ts');
  const { postgresAddress } = await import('../config/postgres-address.ts');
  const address = postgresAddress(config, 'mailctl');
  const host = (await addresses.containerOf('postgres')) ?? address.host;
  const other = named === undefined ? {} : { database: named, statementTimeoutMs: config.BACKUP_TIMEOUT };
  return openPostgres({ ...address, ...other, host });
}

async function postalMariadb(
  config: ConfigOf<'operator'>,
  addresses: Addresses,
): Promise<Mariadb | undefined> {
  const { postalDatabaseAddress } = await import('../config/postal-database-address.ts');
  const address = postalDatabaseAddress(config, await addresses.containerOf('mariadb'));
  if (!address) return undefined;
  const { mariadbAt } = await import('../adapters/mariadb.ts');
  return mariadbAt(address);
}

async function connectRedis(
  config: ConfigOf<'operator'>,
  addresses: Addresses,
  opened: Opened,
): Promise<Redis | undefined> {
  const { redisAddress } = await import('../config/redis-address.ts');
  const container = await addresses.containerOf('redis');
  const address = redisAddress({
    ...config,
    ...(container !== undefined && { REDIS_URL: `redis://${container}:6379` }),
  });
  if (!address) return undefined;
  const { openRedis } = await import('../adapters/redis.ts');
  return opened.use(await openRedis(address));
}

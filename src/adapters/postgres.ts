import pg from 'pg';

import { OperatorError } from '../domain/failure.ts';
import type { Secret } from '../domain/secret.ts';

type Row = Record<string, unknown>;

/** A PostgreSQL database, or a transaction in it. SQL is written in `store/` only; values go as `$1`. */
export interface Database {
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** Number of rows a statement changed. */
  change(text: string, values?: readonly unknown[]): Promise<number>;
  /** Commits what `work` did, or nothing when it throws. Inside a transaction it is a savepoint. */
  transaction<T>(work: (within: Database) => Promise<T>): Promise<T>;
}

/** A pool of connections; disposing waits for those in use. */
export interface Postgres extends Database, AsyncDisposable {}

export interface PostgresAddress {
  /** Host name, address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly applicationName: string;
}

/** Opens a pool. Connects at the first query; a connection that breaks while idle is replaced silently. */
export function openPostgres(address: PostgresAddress): Postgres {
  const pool = new pg.Pool({
    host: address.host,
    port: address.port,
    database: address.database,
    user: address.user,
    password: address.password.reveal(),
    max: address.poolSize,
    connectionTimeoutMillis: address.connectTimeoutMs,
    statement_timeout: address.statementTimeoutMs,
    application_name: address.applicationName,
  });
  pool.on('error', () => undefined);
  return {
    ...statements(async (work) => work(pool), address),
    transaction: (work) => onOneConnection(pool, address, (client) => begin(client, address, work)),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

type Runner = Pick<pg.ClientBase, 'query'>;
type Statements = Pick<Database, 'query' | 'change'>;

function statements(
  withRunner: <T>(work: (runner: Runner) => Promise<T>) => Promise<T>,
  address: PostgresAddress,
): Statements {
  const run = (text: string, values: readonly unknown[] = []) =>
    withRunner((runner) => runner.query<Row>(text, [...values])).catch((cause: unknown) => {
      throw translated(cause, address);
    });
  return {
    query: async <R extends Row>(text: string, values?: readonly unknown[]) =>
      (await run(text, values)).rows as R[],
    change: async (text, values) => (await run(text, values)).rowCount ?? 0,
  };
}

async function onOneConnection<T>(
  pool: pg.Pool,
  address: PostgresAddress,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw translated(cause, address);
  });
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function begin<T>(
  client: Runner,
  address: PostgresAddress,
  work: (within: Database) => Promise<T>,
): Promise<T> {
  return bracket(client, { open: 'begin', keep: 'commit', undo: 'rollback' }, () =>
    work(inside(client, address, 1)),
  );
}

function inside(client: Runner, address: PostgresAddress, depth: number): Database {
  const name = `nested_${depth}`;
  return {
    ...statements((work) => work(client), address),
    transaction: (work) =>
      bracket(
        client,
        {
          open: `savepoint ${name}`,
          keep: `release savepoint ${name}`,
          undo: `rollback to savepoint ${name}`,
        },
        () => work(inside(client, address, depth + 1)),
      ),
  };
}

interface Bracket {
  readonly open: string;
  readonly keep: string;
  readonly undo: string;
}

async function bracket<T>(client: Runner, { open, keep, undo }: Bracket, work: () => Promise<T>): Promise<T> {
  await client.query(open);
  try {
    const result = await work();
    await client.query(keep);
    return result;
  } catch (error) {
    await client.query(undo).catch(() => undefined);
    throw error;
  }
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'ECONNRESET',
  'EPIPE',
  'EAI_AGAIN',
]);
const refused = new Set(['28P01', '28000', '42501']);
const goingAway = new Set(['57P01', '57P02', '57P03', '53300', '08006', '08001']);

/** Keeps the SQLSTATE errors the store decides on; says in the operator's words what is not there. */
function translated(cause: unknown, { host, port, database, user }: PostgresAddress): unknown {
  const code = codeOf(cause);
  const where = `${host}:${port}/${database}`;
  if (refused.has(code)) {
    return new OperatorError('access-denied', `PostgreSQL at ${where} refused the role ${user}`, {
      hint: 'Check POSTGRES_USER and POSTGRES_PASSWORD: mailctl config show --origin',
      field: 'POSTGRES_PASSWORD',
      cause,
    });
  }
  if (unreachable.has(code) || goingAway.has(code) || isConnectionLoss(cause)) {
    return new OperatorError('unreachable', `PostgreSQL at ${where} cannot be reached`, {
      hint: 'Check that it runs, and POSTGRES_HOST and POSTGRES_PORT: mailctl config show --origin',
      field: 'POSTGRES_HOST',
      cause,
    });
  }
  return cause;
}

function codeOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
}

function isConnectionLoss(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    /timeout exceeded when trying to connect|Connection terminated|not queryable/.test(cause.message)
  );
}

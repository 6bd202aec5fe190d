import pg from 'pg';

import { OperatorError } from '../domain/failure.ts';
import type { Secret } from '../domain/secret.ts';
import { describeFailure, isPlanStale, isReadOnly, isUnanswered } from './postgres-failure.ts';
import { prepareOften, type Prepared } from './prepared.ts';

type Row = Record<string, unknown>;

/** A PostgreSQL database, or a transaction in it. SQL is written in `store/` only; values go as `$1`. */
export interface Database {
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** Number of rows a statement changed. */
  change(text: string, values?: readonly unknown[]): Promise<number>;
  /** Commits what `work` did, or nothing when it throws. Inside a transaction it is a savepoint, as hurried as what it is in. */
  transaction<T>(work: (within: Database) => Promise<T>, pace?: Pace): Promise<T>;
}

/** How long the statements of a transaction may take. */
export interface Pace {
  /** As long as they need: what migrates or counts everything. */
  readonly isUnhurried: boolean;
  /** Longest wait for an answer to an unhurried one, and of PostgreSQL for its next statement, in milliseconds; without end where it is not said. */
  readonly answerWithinMs?: number;
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
  /** Ends a statement at the server; 0 lets it run, and then its answer is waited for without end, too. */
  readonly statementTimeoutMs: number;
  /** How much longer the answer is waited for: after that the connection counts as cut off, and is given up by both ends. */
  readonly answerTimeoutMs: number;
  /** A connection that is silent for so long is probed by TCP, from both ends; it breaks when the other one is gone. */
  readonly keepAliveMs: number;
  /** A connection that nothing has used for so long is closed. */
  readonly idleTimeoutMs: number;
  readonly applicationName: string;
}

/** Compiling one of our short statements takes far longer than running it: 60 ms for a claim of 1 ms. */
const withoutJit = '-c jit=off';

/** So many probes without an answer, and the other end counts as gone. */
const probes = 3;

/** PostgreSQL would keep the place of a client that is gone for the two hours of Linux, until it has none left. A unix socket has no probes. */
function probed(keepAliveMs: number): string {
  const idle = Math.max(1, Math.round(keepAliveMs / 1000));
  const interval = Math.max(1, Math.round(idle / probes));
  return `-c tcp_keepalives_idle=${idle} -c tcp_keepalives_interval=${interval} -c tcp_keepalives_count=${probes}`;
}

/** Opens a pool. Connects at the first query; a connection that breaks while idle is replaced silently. */
export function openPostgres(address: PostgresAddress): Postgres {
  const limitMs = limitOf(address);
  const pool = new pg.Pool({
    host: address.host,
    port: address.port,
    database: address.database,
    user: address.user,
    password: address.password.reveal(),
    max: address.poolSize,
    connectionTimeoutMillis: address.connectTimeoutMs,
    statement_timeout: address.statementTimeoutMs,
    // What we have given up as cut off would hold its locks until TCP at the server finds out, after hours.
    ...(limitMs !== undefined && { idle_in_transaction_session_timeout: limitMs }),
    application_name: address.applicationName,
    options: `${withoutJit} ${probed(address.keepAliveMs)}`,
    keepAlive: true,
    keepAliveInitialDelayMillis: address.keepAliveMs,
    idleTimeoutMillis: address.idleTimeoutMs,
  });
  pool.on('error', () => undefined);
  const server = { address, prepared: prepareOften(), limitMs };
  return {
    ...statements(pool, server),
    transaction: (work, pace) =>
      onOneConnection(pool, address, (client) =>
        begin(client, { ...server, cutOff: () => void client.end() }, { work, pace }),
      ),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** A timer of Node that is set to more goes off at once. */
const longestTimerMs = 2 ** 31 - 1;

function limitOf({ statementTimeoutMs, answerTimeoutMs }: PostgresAddress): number | undefined {
  return statementTimeoutMs === 0
    ? undefined
    : Math.min(statementTimeoutMs + answerTimeoutMs, longestTimerMs);
}

type Runner = Pick<pg.ClientBase, 'query'>;

/** Where statements go, and which of them are kept prepared there. */
interface Server {
  readonly address: PostgresAddress;
  readonly prepared: Prepared;
  /** Longest wait for an answer. */
  readonly limitMs: number | undefined;
  /** Ends a connection that has more to do than this statement; what a statement alone was sent on is never used again. */
  readonly cutOff?: () => void;
}

type Statements = Pick<Database, 'query' | 'change'>;

function statements(runner: Runner, server: Server): Statements {
  return {
    query: async <R extends Row>(text: string, values?: readonly unknown[]) =>
      (await run(runner, server, text, values)).rows as R[],
    change: async (text, values) => (await run(runner, server, text, values)).rowCount ?? 0,
  };
}

async function run(
  runner: Runner,
  { address, prepared, limitMs, cutOff }: Server,
  text: string,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  const name = values.length > 0 ? prepared.nameOf(text) : undefined;
  const statement = {
    text,
    values: [...values],
    ...(name !== undefined && { name }),
    ...(limitMs !== undefined && { query_timeout: limitMs }),
  };
  return runner.query<Row>(statement).catch((cause: unknown) => {
    if (isPlanStale(cause)) prepared.giveUp(text);
    if (isUnanswered(cause) || isReadOnly(cause)) cutOff?.();
    throw describeFailure(cause, address);
  });
}

async function onOneConnection<T>(
  pool: pg.Pool,
  address: PostgresAddress,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw describeFailure(cause, address);
  });
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken ??= error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } catch (error) {
    throw toldBetter(error, describeFailure(broken, address));
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** What broke a connection, where it can be put into words, says more than the statement that could not use it any more. */
function toldBetter(error: unknown, breaking: unknown): unknown {
  const isLost = error instanceof OperatorError && error.code === 'unreachable';
  return isLost && breaking instanceof OperatorError ? breaking : error;
}

interface Begun<T> {
  readonly work: (within: Database) => Promise<T>;
  readonly pace: Pace | undefined;
}

async function begin<T>(client: Runner, hurried: Server, { work, pace }: Begun<T>): Promise<T> {
  const server = pace?.isUnhurried ? { ...hurried, limitMs: pace.answerWithinMs } : hurried;
  const open = pace?.isUnhurried ? `begin; ${unhurried(pace)}` : 'begin';
  return bracket(
    (text) => run(client, server, text),
    { open, keep: 'commit', undo: 'rollback' },
    () => work(inside(client, server, 1)),
  );
}

function unhurried({ answerWithinMs = 0 }: Pace): string {
  const idleMs = Math.min(answerWithinMs, longestTimerMs);
  return `set local statement_timeout = 0; set local idle_in_transaction_session_timeout = ${idleMs}`;
}

function inside(client: Runner, server: Server, depth: number): Database {
  const name = `nested_${depth}`;
  return {
    ...statements(client, server),
    transaction: (work) =>
      bracket(
        (text) => run(client, server, text),
        {
          open: `savepoint ${name}`,
          keep: `release savepoint ${name}`,
          undo: `rollback to savepoint ${name}`,
        },
        () => work(inside(client, server, depth + 1)),
      ),
  };
}

interface Bracket {
  readonly open: string;
  readonly keep: string;
  readonly undo: string;
}

async function bracket<T>(
  say: (text: string) => Promise<{ readonly command: string }>,
  { open, keep, undo }: Bracket,
  work: () => Promise<T>,
): Promise<T> {
  await say(open);
  try {
    const result = await work();
    const { command } = await say(keep);
    if (command === 'ROLLBACK') throw new Error('a failed statement was ignored: nothing was committed');
    return result;
  } catch (error) {
    await say(undo).catch(() => undefined);
    throw error;
  }
}

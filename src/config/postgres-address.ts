import type { ConfigOf } from './environment.ts';

type PostgresVariables = Pick<
  ConfigOf<'api'>,
  | 'POSTGRES_HOST'
  | 'POSTGRES_PORT'
  | 'POSTGRES_DATABASE'
  | 'POSTGRES_USER'
  | 'POSTGRES_PASSWORD'
  | 'POSTGRES_POOL_SIZE'
  | 'POSTGRES_CONNECT_TIMEOUT'
  | 'POSTGRES_STATEMENT_TIMEOUT'
  | 'POSTGRES_ANSWER_TIMEOUT'
  | 'POSTGRES_KEEPALIVE'
  | 'POSTGRES_IDLE_TIMEOUT'
>;

/** The address and limits that the POSTGRES_* variables give, as the adapter takes them. */
export function postgresAddress(config: PostgresVariables, applicationName: string) {
  return {
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: config.POSTGRES_DATABASE,
    user: config.POSTGRES_USER,
    password: config.POSTGRES_PASSWORD,
    poolSize: config.POSTGRES_POOL_SIZE,
    connectTimeoutMs: config.POSTGRES_CONNECT_TIMEOUT,
    statementTimeoutMs: config.POSTGRES_STATEMENT_TIMEOUT,
    answerTimeoutMs: config.POSTGRES_ANSWER_TIMEOUT,
    keepAliveMs: config.POSTGRES_KEEPALIVE,
    idleTimeoutMs: config.POSTGRES_IDLE_TIMEOUT,
    applicationName,
  };
}

import type { PostgresAddress } from '../../src/adapters/postgres.ts';

/** What a test's pool may do: little, and never for long. */
export const testLimits = {
  poolSize: 10,
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 30_000,
  answerTimeoutMs: 30_000,
  keepAliveMs: 30_000,
  idleTimeoutMs: 10_000,
  applicationName: 'mailctl tests',
} as const satisfies Partial<PostgresAddress>;

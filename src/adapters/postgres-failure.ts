import { OperatorError } from '../domain/failure.ts';

interface Where {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly statementTimeoutMs: number;
  readonly answerTimeoutMs: number;
}

/** Puts what an operator can act on into words; errors that the store decides on, such as 23505, stay as they are. */
export function describeFailure(cause: unknown, where: Where): unknown {
  const describe = descriptions[codeOf(cause)] ?? withoutCode(cause);
  return describe ? describe(where, cause) : cause;
}

type Description = (where: Where, cause: unknown) => OperatorError;

const denied: Description = (where, cause) =>
  new OperatorError('access-denied', `PostgreSQL at ${place(where)} refused the role ${where.user}`, {
    hint: 'Check POSTGRES_USER and POSTGRES_PASSWORD: mailctl config show --origin',
    field: 'POSTGRES_PASSWORD',
    cause,
  });

const lost: Description = (where, cause) =>
  new OperatorError('unreachable', `PostgreSQL at ${place(where)} cannot be reached`, {
    hint: 'Check that it runs, and POSTGRES_HOST and POSTGRES_PORT: mailctl config show --origin',
    field: 'POSTGRES_HOST',
    cause,
  });

const full: Description = (where, cause) =>
  new OperatorError('unreachable', `PostgreSQL at ${place(where)} has no connection left`, {
    hint: 'Lower POSTGRES_POOL_SIZE (mailctl config explain POSTGRES_POOL_SIZE) or raise max_connections of the server',
    field: 'POSTGRES_POOL_SIZE',
    cause,
  });

const used: Description = (where, cause) =>
  new OperatorError('unreachable', `all connections of this process to ${place(where)} are in use`, {
    hint: 'See what keeps the database busy, or raise POSTGRES_POOL_SIZE: mailctl config explain POSTGRES_POOL_SIZE',
    field: 'POSTGRES_POOL_SIZE',
    cause,
  });

const absent: Description = (where, cause) =>
  new OperatorError(
    'unreachable',
    `PostgreSQL at ${where.host}:${where.port} has no database ${where.database}`,
    {
      hint: 'Check POSTGRES_DATABASE (mailctl config show --origin), or create the database',
      field: 'POSTGRES_DATABASE',
      cause,
    },
  );

const slow: Description = (where, cause) =>
  new OperatorError(
    'timed-out',
    `a statement at ${place(where)} was ended after ${where.statementTimeoutMs} ms`,
    {
      hint: 'See what keeps the database busy, or raise POSTGRES_STATEMENT_TIMEOUT: mailctl config show --origin',
      field: 'POSTGRES_STATEMENT_TIMEOUT',
      cause,
    },
  );

const unanswered: Description = (where, cause) =>
  new OperatorError(
    'unreachable',
    `PostgreSQL at ${place(where)} did not answer within ${where.statementTimeoutMs + where.answerTimeoutMs} ms, though it ends statements sooner: the connection counts as cut off`,
    {
      hint: 'See whether it stands still, or the network in between drops connections; how long is waited: mailctl config explain POSTGRES_ANSWER_TIMEOUT',
      field: 'POSTGRES_ANSWER_TIMEOUT',
      cause,
    },
  );

const stoodStill: Description = (where, cause) =>
  new OperatorError(
    'timed-out',
    `PostgreSQL at ${place(where)} undid a transaction whose next statement took longer than an answer is waited for`,
    {
      hint: 'See whether this process was frozen or short of processors; how long is waited: mailctl config explain POSTGRES_ANSWER_TIMEOUT',
      field: 'POSTGRES_ANSWER_TIMEOUT',
      cause,
    },
  );

const busy: Description = (where, cause) =>
  new OperatorError('locked', `another process holds what a statement at ${place(where)} waits for`, {
    hint: 'Wait for the other process to finish, then try again',
    cause,
  });

/** By errno of the socket or SQLSTATE (PostgreSQL, appendix A). */
const descriptions: Readonly<Record<string, Description>> = {
  ECONNREFUSED: lost,
  ECONNRESET: lost,
  EHOSTUNREACH: lost,
  ENETUNREACH: lost,
  ENOENT: lost,
  ENOTFOUND: lost,
  EAI_AGAIN: lost,
  EPIPE: lost,
  ETIMEDOUT: lost,
  '08001': lost,
  '08006': lost,
  '25P03': stoodStill,
  '28000': denied,
  '28P01': denied,
  '3D000': absent,
  '42501': denied,
  '53300': full,
  '55P03': busy,
  '57014': slow,
  '57P01': lost,
  '57P02': lost,
  '57P03': lost,
};

function place({ host, port, database }: Where): string {
  return `${host}:${port}/${database}`;
}

function codeOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
}

/** What pg and its pool say without a code. */
function withoutCode(cause: unknown): Description | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause.message.includes('timeout exceeded when trying to connect')) return used;
  if (isUnanswered(cause)) return unanswered;
  return /Connection terminated|not queryable/.test(cause.message) ? lost : undefined;
}

/** Whether our own wait for an answer ended, as pg says it. */
export function isUnanswered(cause: unknown): boolean {
  return cause instanceof Error && cause.message === 'Query read timeout';
}

/** Whether a statement kept prepared is of no use any more: a migration changed what it gives, or it is not kept (0A000, 26000). */
export function isPlanStale(cause: unknown): boolean {
  return ['0A000', '26000'].includes(codeOf(cause));
}

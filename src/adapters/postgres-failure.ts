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
  const code = codeOf(cause);
  const describe = descriptions[code] ?? ofClasses[classOf(code)] ?? withoutCode(cause);
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

const onlyReads: Description = (where, cause) =>
  new OperatorError('unreachable', `PostgreSQL at ${place(where)} takes no writes`, {
    hint: 'It is a standby, or default_transaction_read_only is on: point POSTGRES_HOST at the primary (mailctl config show --origin)',
    field: 'POSTGRES_HOST',
    cause,
  });

const exhausted: Description = (where, cause) =>
  new OperatorError('unreachable', `PostgreSQL at ${place(where)} lacks room: ${wordsOf(cause)}`, {
    hint: 'Free space on its disk, or give it more disk or memory; all goes on by itself then',
    cause,
  });

const failing: Description = (where, cause) =>
  new OperatorError(
    'unreachable',
    `PostgreSQL at ${place(where)} fails at a file of its own: ${wordsOf(cause)}`,
    {
      hint: 'Look at its log and its disk before anything else is written to it',
      cause,
    },
  );

const collided: Description = (where, cause) =>
  new OperatorError(
    'locked',
    `PostgreSQL at ${place(where)} undid a transaction that collided with another`,
    {
      hint: 'Try again',
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
  '25006': onlyReads,
  '25P03': stoodStill,
  '28000': denied,
  '28P01': denied,
  '3D000': absent,
  '42501': denied,
  '53300': full,
  '55P03': busy,
  '57014': slow,
  XX001: failing,
  XX002: failing,
};

/** By SQLSTATE class, for what has no entry of its own: none of it is the fault of a statement, and all of it can pass. */
const ofClasses: Readonly<Record<string, Description>> = {
  '08': lost,
  '40': collided,
  '53': exhausted,
  '57': lost,
  '58': failing,
};

function classOf(code: string): string {
  return /^[0-9A-Z]{5}$/.test(code) ? code.slice(0, 2) : '';
}

/** PostgreSQL's own words, which name a file or a limit and never a value in these classes. */
function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

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

/** Whether the server takes no writes (25006): after a failover the connection may lead to what is a standby now. */
export function isReadOnly(cause: unknown): boolean {
  return codeOf(cause) === '25006';
}

/** Whether a statement kept prepared is of no use any more: a migration changed what it gives, or it is not kept (0A000, 26000). */
export function isPlanStale(cause: unknown): boolean {
  return ['0A000', '26000'].includes(codeOf(cause));
}

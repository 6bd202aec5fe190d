import { OperatorError } from '../domain/failure.ts';

interface Where {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly timeoutMs: number;
  readonly work?: { readonly ms: number; readonly variable: string };
  readonly login?: { readonly host: string; readonly password: string };
}

/** Puts what an operator can act on into words; anything else stays as it is. */
export function describeFailure(cause: unknown, where: Where): unknown {
  if (!(cause instanceof Error)) return cause;
  if (saidAfterItsEnd(cause)) return lost(where, cause);
  return 'code' in cause ? (descriptions[String(cause.code)]?.(where, cause) ?? cause) : cause;
}

/** What mysql2 answers to a statement on a connection that ended before it: it bears no code. */
function saidAfterItsEnd(cause: Error): boolean {
  return 'fatal' in cause && cause.fatal === true && !('code' in cause);
}

type Description = (where: Where, cause: Error) => OperatorError;

const denied: Description = (where, cause) =>
  new OperatorError('access-denied', `MariaDB at ${place(where)} refused the user ${where.user}`, {
    hint: where.login
      ? `Check ${where.login.password}, and that MariaDB has this user: mailctl config show --origin`
      : "Check POSTAL_DB_USER and POSTAL_DB_PASSWORD, and that it may select in Postal's databases: mailctl config show --origin",
    field: where.login?.password ?? 'POSTAL_DB_PASSWORD',
    cause,
  });

const lost: Description = (where, cause) =>
  new OperatorError('unreachable', `MariaDB at ${place(where)} cannot be reached`, {
    hint: `Check that it runs, and ${where.login?.host ?? 'POSTAL_DB_HOST'} with its port: mailctl config show --origin`,
    field: where.login?.host ?? 'POSTAL_DB_HOST',
    cause,
  });

const absent: Description = (where, cause) =>
  new OperatorError('unreachable', `MariaDB at ${place(where)} is no Postal: ${cause.message}`, {
    hint: 'Check POSTAL_DB_NAME and POSTAL_DB_MESSAGE_PREFIX: mailctl config show --origin',
    field: 'POSTAL_DB_NAME',
    cause,
  });

const slow: Description = (where, cause) =>
  new OperatorError('timed-out', `MariaDB at ${place(where)} did not answer within ${where.timeoutMs} ms`, {
    hint: 'See what keeps it busy, or raise POSTAL_DB_TIMEOUT: mailctl config show --origin',
    field: 'POSTAL_DB_TIMEOUT',
    cause,
  });

const long: Description = (where, cause) =>
  where.work
    ? new OperatorError('timed-out', `MariaDB at ${place(where)} was not done within ${where.work.ms} ms`, {
        hint: `See what keeps it busy, or raise ${where.work.variable}: mailctl config show --origin`,
        field: where.work.variable,
        cause,
      })
    : slow(where, cause);

/** What the end of a session that takes too long bears as its code. */
export const sessionTooLong = 'SESSION_TOO_LONG';

/** By errno of the socket or MariaDB's name of the error. */
const descriptions: Readonly<Record<string, Description>> = {
  ECONNREFUSED: lost,
  ECONNRESET: lost,
  EHOSTUNREACH: lost,
  ENETUNREACH: lost,
  ENOENT: lost,
  ENOTFOUND: lost,
  EAI_AGAIN: lost,
  EPIPE: lost,
  PROTOCOL_CONNECTION_LOST: lost,
  ER_CON_COUNT_ERROR: lost,
  ER_SERVER_SHUTDOWN: lost,
  ETIMEDOUT: slow,
  [sessionTooLong]: long,
  ER_ACCESS_DENIED_ERROR: denied,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: denied,
  ER_DBACCESS_DENIED_ERROR: denied,
  ER_TABLEACCESS_DENIED_ERROR: denied,
  ER_COLUMNACCESS_DENIED_ERROR: denied,
  ER_BAD_DB_ERROR: absent,
  ER_NO_SUCH_TABLE: absent,
  ER_BAD_FIELD_ERROR: absent,
};

function place({ host, port }: Where): string {
  return host.startsWith('/') ? host : `${host}:${port}`;
}

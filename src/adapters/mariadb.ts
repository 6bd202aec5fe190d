import { connect, type Socket } from 'node:net';

import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

import type { Secret } from '../domain/secret.ts';
import { describeFailure, sessionTooLong } from './mariadb-failure.ts';

type Row = Record<string, unknown>;

/** A session in a MariaDB. SQL is written in `store/postal/` only; values go as `?` and are bound by the server. */
export interface MariadbSession {
  /** Each statement sees what was committed when it began. */
  query<R extends Row = Row>(text: string, values?: readonly (string | number)[]): Promise<readonly R[]>;
  /** Says something that cannot be prepared, such as what locks, renames or ends a transaction. */
  command(text: string): Promise<void>;
}

/** A MariaDB that is asked rarely: every session connects anew, so none meets a connection that broke unseen. */
export interface Mariadb {
  /** Runs `work` in a session of its own; throws `timed-out` when connecting or the work takes longer than the timeout. */
  session<T>(work: (session: MariadbSession) => Promise<T>): Promise<T>;
}

export interface MariadbAddress {
  /** Host name, address, or the path of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  /** For connecting and, without `work`, for all of a session. */
  readonly timeoutMs: number;
  /** How long a session may take that does more than ask, and the variable that says so. */
  readonly work?: { readonly ms: number; readonly variable: string };
  /** The variables that name its host and password, where they are not those of the user that only reads. */
  readonly login?: { readonly host: string; readonly password: string };
}

/** A MariaDB at this address; connects when it is asked. */
export function mariadbAt(address: MariadbAddress): Mariadb {
  return {
    session: async (work) => {
      try {
        return await converse(address, work);
      } catch (cause) {
        throw describeFailure(cause, address);
      }
    },
  };
}

/**
 * Connecting has a timeout in mysql2, and a statement none that covers all of it. The socket is ours: mysql2 only says goodbye on its own, and
 * a server that is frozen or cut off never answers that.
 */
async function converse<T>(
  address: MariadbAddress,
  work: (session: MariadbSession) => Promise<T>,
): Promise<T> {
  const { user, password, timeoutMs } = address;
  const socket = dial(address);
  try {
    const login = { user, password: password.reveal(), charset: 'utf8mb4' };
    const connection = await createConnection({ ...login, stream: socket, connectTimeout: timeoutMs });
    connection.on('error', () => undefined);
    return await within(address.work?.ms ?? timeoutMs, work(sessionOn(connection)));
  } finally {
    socket.destroy();
  }
}

function dial({ host, port }: Pick<MariadbAddress, 'host' | 'port'>): Socket {
  return host.startsWith('/') ? connect(host) : connect(port, host).setNoDelay(true).setKeepAlive(true);
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Object.assign(new Error('no end in time'), { code: sessionTooLong });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late), ms);
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function sessionOn(connection: Connection): MariadbSession {
  return {
    query: async <R extends Row>(text: string, values: readonly (string | number)[] = []) => {
      const [rows] = await connection.execute<(R & RowDataPacket)[]>(text, [...values]);
      return rows;
    },
    command: async (text) => void (await connection.query(text)),
  };
}

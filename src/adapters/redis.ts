import { Redis as Client, type RedisOptions } from 'ioredis';

import { OperatorError } from '../domain/failure.ts';
import type { Secret } from '../domain/secret.ts';

/** A Redis. Every call is answered or fails within the timeout; none waits for a connection to come back. One that is silent for so long is replaced. */
export interface Redis extends AsyncDisposable {
  /** One command with its arguments, such as `['GET', 'name']`. */
  call(command: string, ...words: readonly (string | number)[]): Promise<unknown>;
  /** Calls `listen` whenever a new connection can be used. */
  onReady(listen: () => void): void;
  /**
   * Shows this password from now on, at once and at every new connection; one that is away is shown it when it is back. False, and
   * nothing changed, when it is refused.
   */
  renew(password: Secret): Promise<boolean>;
  /** A Lua script, as one indivisible step. */
  evaluate(script: string, keys: readonly string[], words: readonly (string | number)[]): Promise<unknown>;
}

export interface RedisAddress {
  /** `redis://`, `rediss://` or `unix://`, as REDIS_URL. */
  readonly url: string;
  readonly password: Secret | undefined;
  readonly timeoutMs: number;
  /** How long after a connection broke another one is tried. */
  readonly retryMs: number;
}

/** Connects to a Redis, and again whenever the connection breaks. Resolves within the timeout, connected or not. */
export async function openRedis(address: RedisAddress): Promise<Redis> {
  const client = new Client(optionsOf(address));
  let trouble: unknown;
  client.on('error', (error: unknown) => {
    trouble = error;
  });
  await client.connect().catch(() => undefined);
  const answered = <T>(call: () => Promise<T>): Promise<T> =>
    call().catch((error: unknown) => {
      throw describe(address, isConnected(client) ? error : (trouble ?? error));
    });
  return {
    call: (command, ...words) => answered(() => client.call(command, ...words.map(String))),
    evaluate: (script, keys, words) =>
      answered(() => client.eval(script, keys.length, ...keys, ...words.map(String))),
    renew: async (password) => {
      const refused = await client.call('AUTH', password.reveal()).then(
        () => false,
        (error: unknown) => isConnected(client) && isRefusal(error),
      );
      if (!refused) client.options.password = password.reveal();
      return !refused;
    },
    onReady: (listen) => void client.on('ready', listen),
    [Symbol.asyncDispose]: async () => client.disconnect(),
  };
}

function optionsOf({ url, password, timeoutMs, retryMs }: RedisAddress) {
  return {
    ...placeOf(new URL(url)),
    ...(password && { password: password.reveal() }),
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // Without it a connection that was cut off is found out after a quarter of an hour, and no call on it is answered until then.
    socketTimeout: timeoutMs,
    disconnectTimeout: timeoutMs,
    retryStrategy: () => retryMs,
    disableClientInfo: true,
    connectionName: 'mailctl',
  } satisfies RedisOptions;
}

function placeOf({ protocol, hostname, port, pathname, searchParams }: URL) {
  if (protocol === 'unix:')
    return { path: decodeURIComponent(pathname), db: Number(searchParams.get('db') ?? 0) };
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

function isConnected({ status }: Client): boolean {
  return status === 'ready';
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof Error && /^(NOAUTH|WRONGPASS)|AUTH/.test(cause.message);
}

function describe({ url }: RedisAddress, cause: unknown): OperatorError {
  if (isRefusal(cause))
    return new OperatorError('access-denied', `Redis at ${url} refused us`, {
      hint: 'Check REDIS_PASSWORD: mailctl config show --origin',
      field: 'REDIS_PASSWORD',
      cause,
    });
  return new OperatorError('unreachable', `Redis at ${url} did not answer`, {
    hint: 'Check that it runs, and REDIS_URL: mailctl config show --origin',
    field: 'REDIS_URL',
    cause,
  });
}

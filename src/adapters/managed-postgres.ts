import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { OperatorError } from '../domain/failure.ts';
import type { Secret } from '../domain/secret.ts';
import { freePort } from './free-port.ts';
import { makeClusterFolder } from './cluster-folder.ts';
import type { PostgresAddress } from './postgres.ts';
import { findPostgres, placesOfThisMachine, type PostgresSearch } from './postgres-binaries.ts';
import { awaitReady, supervise } from './postgres-child.ts';
import { type ProgramOwner, unprivilegedOwner } from './program-owner.ts';
import type { Random } from './random.ts';

const name = 'mailctl';
const socketPort = 5432;

export interface ManagedPostgresOptions {
  /** False leaves fsync out: for tests, whose data nobody misses. */
  readonly durable: boolean;
  /** True listens on a free port of 127.0.0.1 too; the unix socket is always there. */
  readonly loopback: boolean;
  readonly startTimeoutMs: number;
  /** Places for its folder that are better than the system's temporary one. */
  readonly places?: readonly string[];
  /** Where to look for PostgreSQL, if not everywhere on this machine. */
  readonly search?: PostgresSearch;
  /** Added to postgresql.conf's, for example `{ max_connections: '300' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL that lives as long as this process at most. */
export interface ManagedPostgres {
  readonly address: Pick<PostgresAddress, 'host' | 'port' | 'database' | 'user' | 'password'>;
  readonly major: number;
  /** Its own, mode 0700: data and socket. */
  readonly folder: string;
  /** Resolves when it is gone, with its folder: after `stop()`, or because something else ended it. */
  readonly ended: Promise<void>;
  /** Fast shutdown; resolves when `ended` does. Safe to call twice. */
  stop(): Promise<void>;
}

/** What the start needs of the world; a test may pick ports itself. */
export interface ManagedPostgresWorld {
  readonly random: Pick<Random, 'secret'>;
  readonly pickPort?: () => Promise<number>;
}

const portsTried = 2;

/**
 * Makes a cluster in a private folder and starts it. Neither processes nor folder outlive this process, even when it is killed
 * with SIGKILL. As root it runs as nobody. Fails as `unreachable` with what PostgreSQL said.
 */
export async function startManagedPostgres(
  options: ManagedPostgresOptions,
  { random, pickPort = freePort }: ManagedPostgresWorld,
): Promise<ManagedPostgres> {
  for (let ports = 1; ; ports += 1) {
    const port = options.loopback ? await pickPort() : socketPort;
    try {
      return await startOn(port, options, random.secret());
    } catch (error) {
      if (!wasTaken(error) || ports === portsTried) throw error;
    }
  }
}

/** A free port may be taken by another program before PostgreSQL listens on it. */
function wasTaken(error: unknown): boolean {
  return error instanceof OperatorError && error.message.includes('could not create any TCP/IP sockets');
}

async function startOn(
  port: number,
  options: ManagedPostgresOptions,
  password: Secret,
): Promise<ManagedPostgres> {
  const owner = unprivilegedOwner();
  const home = await makeClusterFolder(options.places ?? [], owner);
  const settings = serverArguments(options, home, port);
  const child = await supervise({ home, owner, database: name, settings });
  const stop = async () => {
    child.process.stdin.destroy();
    await child.ended;
  };
  try {
    await writePassword(join(home, 'password'), password.reveal(), owner);
    const search = options.search ?? placesOfThisMachine();
    const needs = { owner, copyTo: join(home, 'programs'), timeoutMs: options.startTimeoutMs };
    const { bin, libraries, major } = await findPostgres(search, needs);
    child.process.stdin.write(`${bin}\n${libraries.join(':')}\n`);
    await awaitReady(child, options.startTimeoutMs);
    const host = options.loopback ? '127.0.0.1' : home;
    const address = { host, port, database: name, user: name, password };
    return { address, major, folder: home, ended: child.ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writePassword(path: string, password: string, owner: ProgramOwner): Promise<void> {
  await writeFile(path, password, { mode: 0o600, flag: 'wx' });
  if (owner) await chown(path, owner.uid, owner.gid);
}

function serverArguments(options: ManagedPostgresOptions, home: string, port: number): readonly string[] {
  const quick = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const all = {
    listen_addresses: options.loopback ? '127.0.0.1' : '',
    port: String(port),
    unix_socket_directories: `"${home.replaceAll('"', '""')}"`,
    dynamic_shared_memory_type: 'mmap',
    log_checkpoints: 'off',
    ...(options.durable ? {} : quick),
    ...options.settings,
  };
  return Object.entries(all).flatMap(([setting, value]) => ['-c', `${setting}=${value}`]);
}

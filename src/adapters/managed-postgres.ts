import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { OperatorError } from '../domain/failure.ts';
import { freePort } from './free-port.ts';
import { makeClusterFolder } from './cluster-folder.ts';
import type { PostgresAddress } from './postgres.ts';
import { findPostgres, placesOfThisMachine, type PostgresSearch } from './postgres-binaries.ts';
import { supervisor } from './postgres-supervisor.ts';
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

/**
 * Makes a cluster in a private folder and starts it. Neither processes nor folder outlive this process, even when it is killed
 * with SIGKILL. As root it runs as nobody. Fails as `unreachable` with what PostgreSQL said.
 */
export async function startManagedPostgres(
  options: ManagedPostgresOptions,
  { random }: { readonly random: Random },
): Promise<ManagedPostgres> {
  const owner = unprivilegedOwner();
  const port = options.loopback ? await freePort() : socketPort;
  const home = await makeClusterFolder(options.places ?? [], owner);
  const child = await supervise({ home, owner, rest: serverArguments(options, home, port) });
  const stop = async () => {
    child.process.stdin.destroy();
    await child.ended;
  };
  const password = random.secret();
  try {
    await writePassword(join(home, 'password'), password.reveal(), owner);
    const search = options.search ?? placesOfThisMachine();
    const needs = { owner, copyTo: join(home, 'programs'), timeoutMs: options.startTimeoutMs };
    const { bin, libraries, major } = await findPostgres(search, needs);
    child.process.stdin.write(`${bin}\n${libraries.join(':')}\n`);
    await ready(child, options.startTimeoutMs);
    const host = options.loopback ? '127.0.0.1' : home;
    const address = { host, port, database: name, user: name, password };
    return { address, major, folder: home, ended: child.ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Supervised {
  readonly process: ChildProcessByStdio<Writable, null, Readable>;
  /** Emits what PostgreSQL says, line by line. */
  readonly lines: Interface;
  readonly ended: Promise<void>;
}

interface Supervision {
  readonly home: string;
  readonly owner: ProgramOwner;
  readonly rest: readonly string[];
}

/** In a session of its own, so that Ctrl-C reaches this process alone, which then stops PostgreSQL in its turn. */
async function supervise({ home, owner, rest }: Supervision): Promise<Supervised> {
  const remove = () => rm(home, { recursive: true, force: true });
  try {
    if (owner) await chown(home, owner.uid, owner.gid);
    const child = spawn('/bin/sh', ['-c', supervisor, 'mailctl-postgres', home, name, ...rest], {
      ...owner,
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC', PATH: `${process.env['PATH'] ?? ''}:/usr/bin:/bin` },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.on('error', () => undefined);
    const over = once(child, 'close').catch(() => undefined);
    return { process: child, lines: createInterface(child.stderr), ended: over.then(remove) };
  } catch (cause) {
    await remove();
    throw new OperatorError(
      'access-denied',
      'PostgreSQL does not run as root, and this root may not become nobody',
      {
        hint: 'Run mailctl as an ordinary user, or give it the capabilities SETUID, SETGID and CHOWN',
        cause,
      },
    );
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
  const flags = Object.entries(all).flatMap(([setting, value]) => ['-c', `${setting}=${value}`]);
  return [options.durable ? '' : '--no-sync', ...flags];
}

async function ready({ lines, ended }: Supervised, timeoutMs: number): Promise<void> {
  const said: string[] = [];
  const failed = (code: 'unreachable' | 'timed-out', what: string) =>
    new OperatorError(code, `PostgreSQL ${what}: ${said.slice(-4).join(' | ') || 'it said nothing'}`, {
      hint: 'It needs some 100 MB in the temporary folder (TMPDIR) and a user name for the uid that runs it',
    });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(
      () => reject(failed('timed-out', `was not ready within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const settle = () => {
      clearTimeout(late);
      lines.removeAllListeners('line');
    };
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve(settle());
    });
    void ended.then(() => reject(failed('unreachable', 'did not start'))).finally(settle);
  });
}

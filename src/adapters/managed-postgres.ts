import { type ChildProcess, spawn } from 'node:child_process';
import { chown, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { OperatorError } from '../domain/failure.ts';
import type { PostgresAddress } from './postgres.ts';
import { binarySearch, findPostgres } from './postgres-binaries.ts';
import { supervisor } from './postgres-supervisor.ts';
import type { Random } from './random.ts';

const name = 'mailctl';
const nobody = 65_534;

export interface ManagedPostgresOptions {
  /** False leaves fsync out: for tests, whose data nobody misses. */
  readonly durable: boolean;
  /** True listens on a free port of 127.0.0.1 too; the unix socket is always there. */
  readonly loopback: boolean;
  readonly startTimeoutMs: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL that lives as long as this process at most. */
export interface ManagedPostgres {
  readonly address: Pick<PostgresAddress, 'host' | 'port' | 'database' | 'user' | 'password'>;
  /** Fast shutdown; its folder is gone afterwards. Safe to call twice. */
  stop(): Promise<void>;
}

/** Makes an empty cluster in a private temporary folder and starts it; neither outlives this process, even killed. */
export async function startManagedPostgres(
  options: ManagedPostgresOptions,
  { random }: { readonly random: Random },
): Promise<ManagedPostgres> {
  const { bin } = await findPostgres(binarySearch());
  const password = random.secret();
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const home = await mkdtemp(join(tmpdir(), 'mailctl-postgres-'));
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, password.reveal(), { mode: 0o600 });
  if (user.uid !== undefined)
    await Promise.all([home, passwordFile].map((path) => chown(path, nobody, nobody)));
  const port = options.loopback ? await freePort() : 5432;
  const settings = settingsOf(options, home, port);
  const child = spawn(
    '/bin/sh',
    ['-c', supervisor, 'mailctl-postgres', home, bin, name, options.durable ? '' : '--no-sync', ...settings],
    {
      ...user,
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.stdin?.end();
    await ended;
  };
  await ready(child, options.startTimeoutMs).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    address: { host: options.loopback ? '127.0.0.1' : home, port, database: name, user: name, password },
    stop,
  };
}

function settingsOf(options: ManagedPostgresOptions, home: string, port: number): readonly string[] {
  const settings = {
    listen_addresses: options.loopback ? '127.0.0.1' : '',
    port: String(port),
    unix_socket_directories: `"${home}"`,
    log_checkpoints: 'off',
    ...(options.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  return Object.entries(settings).flatMap(([setting, value]) => ['-c', `${setting}=${value}`]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new TypeError('no port was free');
  return address.port;
}

async function ready(child: ChildProcess, timeoutMs: number): Promise<void> {
  const said: string[] = [];
  const failed = (what: string) =>
    new OperatorError('unreachable', `PostgreSQL ${what}: ${said.slice(-5).join(' ')}`, {
      hint: 'See what it said above; mailctl doctor checks the machine',
    });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(failed(`was not ready after ${timeoutMs} ms`)), timeoutMs);
    child.once('error', reject);
    child.once('close', () => reject(failed('ended while starting')));
    if (!child.stderr) return;
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      if (!line.includes('ready to accept connections')) return;
      clearTimeout(late);
      resolve();
    });
  });
}

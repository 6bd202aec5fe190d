import { randomBytes } from 'node:crypto';
import { chmod, link, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { OperatorError } from '../domain/failure.ts';

/** The one process that may use a directory. */
export interface DirectoryOwner {
  /** The process that had it and died without giving it back. */
  readonly left: Holder | undefined;
  /** Shows processes on other machines that this one lives. */
  beat(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes a directory for this process alone; what it says of itself stands in `errand`. Throws OperatorError `locked`, naming
 * the process that has it.
 */
export type OwnDirectory = (
  directory: string,
  silentAfterMs: number,
  errand?: Errand,
) => Promise<DirectoryOwner>;

/** Who took a directory, and for which command. */
export interface Errand {
  readonly who: string;
  readonly command: string;
}

export interface Holder extends Partial<Errand> {
  readonly pid: number;
  readonly host: string;
  /** Changes with every start of the machine; the same for all containers on it. */
  readonly boot: string;
  readonly since: string;
}

const card = 'owner.json';
// A new owner listens first and is then linked to the number after the highest, which only one can be. The highest is never
// removed, so numbers only grow and a slow starter always sees that it came late.
const pattern = /^owner-(\d+)\.sock$/;

/**
 * The lock is a listening socket in the directory: the kernel ends it with its process, however that dies, and any process of the
 * machine that sees the directory can ask it, from other containers too. One of another machine cannot be asked: there the beat counts.
 */
export const ownDirectory: OwnDirectory = async (directory, silentAfterMs, errand) => {
  await using folder = await open(directory, 'r');
  const reach = await reachable(directory, folder.fd);
  const server = await listen(join(reach, `owner-${randomBytes(6).toString('hex')}.new`));
  let left: Holder | undefined;
  try {
    const highest = await claim(directory, reach, server.path, silentAfterMs);
    left = await readCard(directory);
    await writeCard(directory, errand);
    await sweep(directory, highest);
  } catch (cause) {
    await close(server.server);
    throw cause;
  } finally {
    await rm(server.path, { force: true });
  }
  return {
    left,
    beat: async () => {
      const now = new Date();
      await utimes(join(directory, card), now, now);
    },
    release: async () => {
      await rm(join(directory, card), { force: true });
      await close(server.server);
    },
  };
};

/** The name of a socket may have 107 octets only; through the open directory it is short. */
async function reachable(directory: string, descriptor: number): Promise<string> {
  const short = `/proc/self/fd/${descriptor}`;
  const isThere = await stat(short).then(
    () => true,
    () => false,
  );
  return isThere ? short : directory;
}

async function listen(path: string): Promise<{ readonly path: string; readonly server: Server }> {
  const server = createServer((asker) => asker.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).catch((cause: unknown) => {
    throw new OperatorError('config-invalid', `the directory cannot hold a socket, which is its lock`, {
      hint: 'Put it on a local disk of this machine; network file systems often cannot do this',
      cause,
    });
  });
  // Whoever may use the directory may ask: root on the host and the user of a container share some.
  await chmod(path, 0o666);
  server.unref();
  return { path, server };
}

async function claim(
  directory: string,
  reach: string,
  listening: string,
  silentAfterMs: number,
): Promise<number> {
  for (;;) {
    const highest = await highestSocket(directory);
    if (highest > 0 && (await answers(join(reach, socketName(highest))))) throw await locked(directory);
    await refuseIfAliveElsewhere(directory, silentAfterMs);
    const mine = highest + 1;
    if (!(await tryLink(listening, join(reach, socketName(mine))))) continue;
    if ((await highestSocket(directory)) === mine) return mine;
    await rm(join(directory, socketName(mine)), { force: true });
  }
}

function socketName(number: number): string {
  return `owner-${number}.sock`;
}

async function highestSocket(directory: string): Promise<number> {
  const names = await readdir(directory);
  return Math.max(0, ...names.map((name) => Number(pattern.exec(name)?.[1] ?? 0)));
}

/** Only a refused connection proves that nobody listens; a full queue or a missing right is somebody alive. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED', 'ENOENT')));
  });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false;
    throw cause;
  }
}

async function refuseIfAliveElsewhere(directory: string, silentAfterMs: number): Promise<void> {
  const holder = await readCard(directory);
  if (!holder || holder.boot === (await bootId())) return;
  const { mtimeMs } = await stat(join(directory, card));
  if (Date.now() - mtimeMs < silentAfterMs) throw await locked(directory);
}

async function locked(directory: string): Promise<OperatorError> {
  const holder = await readCard(directory);
  const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another process';
  return new OperatorError('locked', `${directory} is in use by ${who}`, {
    hint: 'Stop that one first, or give each its own directory',
    data: holder,
  });
}

async function readCard(directory: string): Promise<Holder | undefined> {
  try {
    const read: unknown = JSON.parse(await readFile(join(directory, card), 'utf8'));
    return isHolder(read) ? read : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError || hasCode(cause, 'ENOENT')) return undefined;
    throw cause;
  }
}

function isHolder(read: unknown): read is Holder {
  if (typeof read !== 'object' || read === null) return false;
  const texts = ['host', 'boot', 'since'].map((name) => Reflect.get(read, name) as unknown);
  return texts.every((text) => typeof text === 'string') && 'pid' in read && typeof read.pid === 'number';
}

async function writeCard(directory: string, errand: Errand | undefined): Promise<void> {
  const holder: Holder = {
    ...errand,
    pid: process.pid,
    host: hostname(),
    boot: await bootId(),
    since: new Date().toISOString(),
  };
  await writeFile(join(directory, card), `${JSON.stringify(holder)}\n`, { mode: 0o644 });
}

async function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => hostname(),
  );
}

async function sweep(directory: string, highest: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const number = Number(pattern.exec(name)?.[1] ?? highest);
    if (number < highest) await rm(join(directory, name), { force: true });
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function hasCode(cause: unknown, ...codes: readonly string[]): boolean {
  return (
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && codes.includes(cause.code)
  );
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where a load goes: plain SMTP, or TLS from the first octet; `auth` is the response to AUTH PLAIN, where login is asked for. */
export interface Target {
  readonly port: number;
  readonly tls: boolean;
  readonly auth: string | undefined;
}

/** A mail server under measurement, a process of its own with children. */
export interface MailServer extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly ports: Ports;
  readonly auth: string | undefined;
}

/** Listeners on loopback. */
export interface Ports {
  readonly plain: number;
  readonly tls: number;
}

/** How a server is started. Its output goes into a file, as an operator's would. */
export interface Served {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly ports: Ports;
  readonly auth: string | undefined;
}

const startsWithinMs = 60_000;

/** Starts a server and waits until it greets on both ports; disposing ends it with SIGTERM and removes its folder. */
export async function serve({ argv, environment, folder, ...server }: Served): Promise<MailServer> {
  const output = await open(join(folder, 'output.log'), 'a');
  const [file, ...args] = argv;
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
  });
  await output.close();
  const end = async (): Promise<void> => {
    await terminate(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([awaitOpen(child, server.ports.plain), awaitOpen(child, server.ports.tls)]);
  } catch (cause) {
    const said = await readFile(join(folder, 'output.log'), 'utf8');
    await end();
    throw new Error(`${server.name} did not start: ${said.slice(-1000)}`, { cause });
  }
  return { ...server, pid: child.pid ?? 0, [Symbol.asyncDispose]: end };
}

/** A folder on the disk, readable for a server that gives up root. */
export async function serverFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `mailctl-bench-${name}-`));
}

async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  const force = sleep(10_000, undefined, { signal: late.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await ended;
  late.abort();
  await force;
}

async function awaitOpen(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + startsWithinMs;
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`nobody listens on port ${port}`);
    await sleep(50);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

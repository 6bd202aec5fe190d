import { mkdtemp, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type ProcessGroup, startGroup } from '../../engines/process-group.ts';

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
  /** Waits until it has done what it put off: what it still does would be done while another is measured. */
  settled?(): Promise<void>;
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
const endsWithinMs = 10_000;

/** Runs "$@" in folder $1 and removes the folder when it ends; SIGTERM reaches the program and not this shell. */
const inFolder = `
folder=$1
shift
cd "$folder" || exit
trap : TERM
"$@" >output.log 2>&1 &
program=$!
while ! wait "$program"; do kill -0 "$program" 2>/dev/null || break; done
cd /
rm -rf "$folder"
`;

/**
 * Starts a server and waits until it greets on both ports. Disposing ends it with SIGTERM and removes its folder; so does the end of
 * this process, however it comes.
 */
export async function serve({ argv, environment, folder, ...server }: Served): Promise<MailServer> {
  const group = startGroup(['/bin/sh', '-c', inFolder, 'mail-server', folder, ...argv], {
    HOME: homedir(),
    TMPDIR: tmpdir(),
    ...environment,
  });
  try {
    await Promise.all([awaitOpen(group, server.ports.plain), awaitOpen(group, server.ports.tls)]);
  } catch (cause) {
    const said = await readFile(join(folder, 'output.log'), 'utf8').catch(() => 'nothing');
    await end(group);
    throw new Error(`${server.name} did not start: ${said.slice(-1000)}`, { cause });
  }
  return { ...server, pid: await group.pid(), [Symbol.asyncDispose]: () => end(group) };
}

/** A folder on the disk, readable for a server that gives up root. */
export async function serverFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `mailctl-bench-${name}-`));
}

async function end(group: ProcessGroup): Promise<void> {
  const late = new AbortController();
  const force = sleep(endsWithinMs, undefined, { signal: late.signal }).then(
    () => group.process.pid !== undefined && process.kill(-group.process.pid, 'SIGKILL'),
    () => undefined,
  );
  await group[Symbol.asyncDispose]();
  late.abort();
  await force;
}

async function awaitOpen(group: ProcessGroup, port: number): Promise<void> {
  const deadline = performance.now() + startsWithinMs;
  while (!(await accepts(port))) {
    const { exitCode } = group.process;
    if (exitCode !== null) throw new Error(`it ended with ${exitCode}`);
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

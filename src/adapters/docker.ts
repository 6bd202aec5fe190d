import type { Readable, Writable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInterface } from 'node:readline';

import Dockerode from 'dockerode';

import { asked } from './docker-failure.ts';
import { type DockerImages, dockerImages } from './docker-images.ts';
import { type DockerVolumes, dockerVolumes, goneMeanwhile } from './docker-volumes.ts';
import { withoutFrames } from './docker-frames.ts';
import { type Container, type Inspected, readContainer } from './container.ts';

/** What runs inside a container; neither argv nor environment may hold a secret: write it to `stdin`. */
export interface Execution {
  readonly argv: readonly string[];
  readonly user?: string;
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  /** When it is waited for no more: no program in a container may hold a command for ever. */
  readonly stop: AbortSignal;
}

/** How it ended: its exit code, -1 where it was waited for no more, and the end of what it said on stderr. */
export interface Executed {
  readonly exit: number;
  readonly stderr: string;
}

/** Which lines of a container's log are meant. */
export interface LogChoice {
  readonly since?: Date;
  readonly tail?: number;
  readonly follow?: boolean;
  readonly stop?: AbortSignal;
}

export interface LogLine {
  readonly time: string;
  readonly text: string;
}

/** What a container uses now. */
export interface Usage {
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  /** Of one processor: 1.5 is one and a half. */
  readonly processors: number;
}

export interface Engine {
  readonly version: string;
  readonly memoryBytes: number;
  readonly processors: number;
  /** Where images and volumes are kept, on the engine's host. */
  readonly rootFolder: string;
  /** What its clock says. */
  readonly now: Date;
}

export interface ContainerEvent {
  readonly at: Date;
  readonly service: string;
  readonly action: string;
}

/** The engine, as far as one project needs it. Every method throws `unreachable` with a remedy when the engine is away. */
export interface Docker extends DockerImages, DockerVolumes {
  engine(): Promise<Engine>;
  /** Every container of the project, stopped ones too, by name of the service. */
  containers(): Promise<readonly Container[]>;
  /** Runs a program in a running container and streams through it. */
  exec(container: string, execution: Execution): Promise<Executed>;
  logs(container: string, choice: LogChoice): AsyncIterable<LogLine>;
  /** What happened to the project's containers between two moments, as far as the engine remembers (its last 256 events or more). */
  pastEvents(since: Date, until: Date): AsyncIterable<ContainerEvent>;
  /** Undefined for one that does not run. The engine takes a second or two for it. */
  usage(container: string): Promise<Usage | undefined>;
  /** Starts a container that was made; returns what the engine says where it cannot, such as that a port is taken. */
  start(container: string): Promise<string | undefined>;
  /** Ends a container and removes it; one that is gone already is no failure. */
  remove(container: string): Promise<void>;
}

/** How long the engine may take: to answer, and to pull one image. */
export interface EnginePatience {
  readonly answerMs: number;
  readonly pullMs: number;
}

/** Opens the engine that DOCKER_HOST names, else the one of this host, for one Compose project. Connects when first used. */
export function openDocker(project: string, { answerMs, pullMs }: EnginePatience): Docker {
  const engine = new Dockerode({ timeout: answerMs });
  const streaming = new Dockerode();
  const own = { label: [`com.docker.compose.project=${project}`] };
  return {
    engine: () => asked(describeEngine(engine)),
    containers: () => asked(listContainers(engine, own)),
    exec: (container, execution) => asked(execute(streaming, container, execution)),
    logs: (container, choice) => readLogs({ engine, streaming }, container, choice),
    pastEvents: (since, until) =>
      readEvents(engine, {
        filters: { ...own, type: ['container'] },
        since: unix(since),
        // The engine counts whole seconds: the one under way belongs to it.
        until: unix(until) + 1,
      }),
    usage: (container) => asked(readUsage(engine, container)),
    start: (container) => asked(startContainer(engine, container)),
    ...dockerImages({ engine, streaming, pullMs }, asked),
    remove: (container) => asked(removeContainer(engine, container)),
    ...dockerVolumes(engine, project, asked),
  };
}

async function describeEngine(engine: Dockerode): Promise<Engine> {
  const info = (await engine.info()) as Record<'ServerVersion' | 'DockerRootDir' | 'SystemTime', string> &
    Record<'MemTotal' | 'NCPU', number>;
  return {
    version: info.ServerVersion,
    memoryBytes: info.MemTotal,
    processors: info.NCPU,
    rootFolder: info.DockerRootDir,
    now: new Date(info.SystemTime),
  };
}

async function listContainers(engine: Dockerode, filters: object): Promise<readonly Container[]> {
  const listed = await engine.listContainers({ all: true, filters: filters as never });
  const found = await Promise.all(
    listed.map(({ Id }) => engine.getContainer(Id).inspect().catch(goneMeanwhile)),
  );
  return found
    .filter((one) => one !== undefined)
    .map((one) => readContainer(one as unknown as Inspected))
    .toSorted((one, other) => one.service.localeCompare(other.service));
}

const mostComplaint = 8192;

async function execute(
  engine: Dockerode,
  container: string,
  { argv, user, stdin, stdout, stop }: Execution,
): Promise<Executed> {
  const program = await engine.getContainer(container).exec({
    Cmd: [...argv],
    AttachStdin: stdin !== undefined,
    AttachStdout: true,
    AttachStderr: true,
    ...(user !== undefined && { User: user }),
  });
  const stream = await program.start({ hijack: true, stdin: stdin !== undefined });
  let complaint = '';
  const complaints = new PassThrough();
  complaints.on('data', (bytes: Buffer) => {
    complaint = `${complaint}${bytes.toString('utf8')}`.slice(-mostComplaint);
  });
  const output = new PassThrough();
  const written = stdout ? pipeline(output, stdout) : drain(output);
  engine.modem.demuxStream(stream, output, complaints);
  // What a program does not read of its input must not hold us: only how it ended counts.
  if (stdin) void pipeline(stdin, stream as unknown as Writable).catch(() => undefined);
  const over = overOrStopped(stream, stop).finally(() => {
    stream.destroy();
    output.end();
  });
  // Where the output cannot be written any more, as on a full disk, the program is not waited for.
  await Promise.all([over, written]).finally(() => stream.destroy());
  return { exit: (await program.inspect()).ExitCode ?? -1, stderr: complaint };
}

/** Waits until a stream is at its end, or nobody wants it any more; the signal may have come before the stream did. */
function overOrStopped(stream: NodeJS.ReadableStream, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('end', resolve);
    stream.once('close', resolve);
    stream.once('error', reject);
    stop.addEventListener('abort', () => resolve(), { once: true });
    if (stop.aborted) resolve();
  });
}

async function drain(stream: Readable): Promise<void> {
  for await (const _ of stream);
}

/** One that answers within its time, and one whose answers go on as long as they are wanted. */
interface Connections {
  readonly engine: Dockerode;
  readonly streaming: Dockerode;
}

async function* readLogs(
  { engine, streaming }: Connections,
  container: string,
  choice: LogChoice,
): AsyncIterable<LogLine> {
  const { since, tail, follow = false, stop } = choice;
  const asking = {
    stdout: true,
    stderr: true,
    timestamps: true,
    ...(since && { since: since.getTime() / 1000 }),
    ...(tail !== undefined && { tail }),
  };
  const lines = new PassThrough();
  if (follow) {
    // An engine that hangs is found out here: what is followed may be silent for as long as it likes.
    await asked(engine.ping());
    const stream = await asked(streaming.getContainer(container).logs({ ...asking, follow: true }));
    engine.modem.demuxStream(stream, lines, lines);
    stream.once('end', () => lines.end());
    stop?.addEventListener('abort', () => (stream as unknown as Readable).destroy(), { once: true });
    stop?.addEventListener('abort', () => lines.end(), { once: true });
  } else {
    lines.end(withoutFrames(await asked(engine.getContainer(container).logs({ ...asking, follow: false }))));
  }
  for await (const line of createInterface({ input: lines })) {
    const end = line.indexOf(' ');
    if (end > 0) yield { time: line.slice(0, end), text: line.slice(end + 1) };
  }
}

interface WrittenEvent {
  readonly Action: string;
  readonly time: number;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

function unix(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

async function* readEvents(
  engine: Dockerode,
  choice: Dockerode.GetEventsOptions,
): AsyncIterable<ContainerEvent> {
  const stream = (await asked(engine.getEvents(choice))) as Readable;
  for await (const line of createInterface({ input: stream })) {
    const { Action, time, Actor } = JSON.parse(line) as WrittenEvent;
    const service = Actor.Attributes['com.docker.compose.service'] ?? '';
    yield { at: new Date(time * 1000), service, action: Action };
  }
}

async function readUsage(engine: Dockerode, container: string): Promise<Usage | undefined> {
  const stats = await engine.getContainer(container).stats({ stream: false }).catch(goneMeanwhile);
  if (stats?.memory_stats.usage === undefined) return undefined;
  const { memory_stats: memory, cpu_stats: now, precpu_stats: before } = stats;
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  return {
    memoryBytes: memory.usage - (memory.stats?.inactive_file ?? 0),
    memoryLimitBytes: memory.limit ?? 0,
    processors: passed > 0 ? (used / passed) * (now.online_cpus ?? 1) : 0,
  };
}

async function startContainer(engine: Dockerode, container: string): Promise<string | undefined> {
  try {
    await engine.getContainer(container).start();
    return undefined;
  } catch (cause) {
    if (!(cause instanceof Error) || !('statusCode' in cause)) throw cause;
    return cause.statusCode === 304 ? undefined : cause.message;
  }
}

async function removeContainer(engine: Dockerode, container: string): Promise<void> {
  await engine.getContainer(container).remove({ force: true }).catch(goneMeanwhile);
}

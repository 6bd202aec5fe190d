import type { Container } from '../../adapters/container.ts';
import type { LogLine } from '../../adapters/docker.ts';
import { readDurationFlag } from '../../domain/duration-flag.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { lookAtContainers } from './current.ts';
import { redact } from './redact.ts';

/** One line of one service. */
export interface ShownLine {
  readonly time: string;
  readonly level: Level | null;
  readonly service: string;
  readonly msg: string;
  readonly message_id: string | null;
  readonly request_id: string | null;
}

const levels = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

/** Which lines are meant, as it was typed. */
export interface WrittenLogs {
  readonly names: readonly string[];
  readonly since: string;
  readonly level?: string;
  readonly message?: string;
  readonly follow?: true;
}

/** The lines of all services, or the named ones, merged by time; with `follow` also those to come, as they come, until `stop`. */
export async function* readStackLogs(
  world: Runtime,
  wanted: WrittenLogs,
  stop: AbortSignal,
): AsyncIterable<ShownLine> {
  const { from, fits } = readChoice(world, wanted);
  const containers = chooseContainers(await lookAtContainers(world), wanted.names);
  const config = await world.config('operator');
  const docker = await world.docker();
  const linesOf = (container: Container) =>
    wanted.follow ? followed(world, container, from, stop) : docker.logs(container.id, { since: from });
  const read = (container: Container) =>
    shownLines(linesOf(container), (line) => shownLine(container.service, line, config));
  const sources = containers.map(read);
  for await (const line of wanted.follow ? asTheyCome(sources) : byTime(sources)) if (fits(line)) yield line;
}

/** The lines of a service as they come. Where its container ends, the engine says no more: it goes on with its next life, or with the one after it. */
async function* followed(
  world: Runtime,
  first: Container,
  from: Date,
  stop: AbortSignal,
): AsyncIterable<LogLine> {
  const docker = await world.docker();
  const { STATUS_INTERVAL } = await world.config('operator');
  let since = from;
  for (let id: string | undefined = first.id; !stop.aborted;) {
    if (id !== undefined)
      for await (const line of docker.logs(id, { since, follow: true, stop })) {
        yield line;
        since = new Date(Date.parse(line.time) + 1);
      }
    if (first.state === 'exited') return;
    await world.clock.sleep(STATUS_INTERVAL, stop);
    const now = (await lookAtContainers(world)).get(first.service);
    id = now?.state === 'running' ? now.id : undefined;
  }
}

function readChoice({ clock }: Pick<Runtime, 'clock'>, { since, level, message }: WrittenLogs) {
  const age = readDurationFlag('--since', since, '10m or 2h');
  const least = level === undefined ? 0 : levels.findIndex((known) => known === level);
  if (least < 0) throw wrong('--level', `"${level}" is no level`, `Levels: ${levels.join(', ')}`);
  return {
    from: new Date(clock.now().getTime() - age),
    fits: (line: ShownLine) =>
      (level === undefined || (line.level !== null && levels.indexOf(line.level) >= least)) &&
      (message === undefined || line.message_id === message || line.msg.includes(message)),
  };
}

function wrong(field: string, what: string, hint: string): OperatorError {
  return new OperatorError('usage', `${field}: ${what}`, { hint, field });
}

function chooseContainers(
  containers: ReadonlyMap<string, Container>,
  names: readonly string[],
): readonly Container[] {
  const unknown = names.find((name) => !containers.has(name));
  if (unknown !== undefined)
    throw new OperatorError('usage', `${unknown} is no service that was started`, {
      hint: `Services: ${[...containers.keys()].join(', ') || 'none; start them: mailctl up'}`,
      field: 'SERVICE',
    });
  return [...containers.values()].filter(({ service }) => names.length === 0 || names.includes(service));
}

async function* shownLines(
  lines: AsyncIterable<LogLine>,
  show: (line: LogLine) => ShownLine,
): AsyncIterable<ShownLine> {
  for await (const line of lines) yield show(line);
}

type Fields = Readonly<Record<string, unknown>>;

function shownLine(service: string, { time, text }: LogLine, config: Fields): ShownLine {
  const fields = parseFields(text);
  const said = fields ? wordsOf(fields) : text;
  return {
    time,
    level: levels.find((known) => known === fields?.['level']) ?? null,
    service,
    msg: redact(said, config),
    message_id: textOf(fields?.['message_id']),
    request_id: textOf(fields?.['request_id']),
  };
}

function parseFields(text: string): Fields | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
}

const told = new Set(['time', 'level', 'service', 'msg', 'message_id', 'request_id', 'pid', 'hostname']);

/** The message, and whatever else the line says, as `name=value`. */
function wordsOf(fields: Fields): string {
  const more = Object.entries(fields).filter(([name]) => !told.has(name));
  const words = more.map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [String(fields['msg'] ?? ''), ...words].join(' ');
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Merges lists that are each sorted by time. */
async function* byTime(sources: readonly AsyncIterable<ShownLine>[]): AsyncIterable<ShownLine> {
  const readers = sources.map((source) => source[Symbol.asyncIterator]());
  const heads = await Promise.all(readers.map((reader) => reader.next()));
  for (;;) {
    let first = -1;
    for (const [index, { done, value }] of heads.entries()) {
      const best = heads[first]?.value as ShownLine | undefined;
      if (!done && (best === undefined || (value as ShownLine).time < best.time)) first = index;
    }
    const [head, reader] = [heads[first], readers[first]];
    if (!head || !reader) return;
    yield head.value as ShownLine;
    heads[first] = await reader.next();
  }
}

/** Whatever comes first, from each. */
async function* asTheyCome(sources: readonly AsyncIterable<ShownLine>[]): AsyncIterable<ShownLine> {
  const readers = sources.map((source) => source[Symbol.asyncIterator]());
  const next = async (index: number) => ({ index, read: await readers[index]?.next() });
  const waiting = new Map(readers.map((_, index) => [index, next(index)]));
  while (waiting.size > 0) {
    const { index, read } = await Promise.race(waiting.values());
    if (!read || read.done) {
      waiting.delete(index);
      continue;
    }
    waiting.set(index, next(index));
    yield read.value;
  }
}

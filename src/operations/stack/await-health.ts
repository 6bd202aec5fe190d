import type { Container } from '../../adapters/container.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { type FailureCode, failures, OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { isWell, lookAtContainers } from './current.ts';
import { runCheck } from './own-check.ts';
import { redact } from './redact.ts';
import { allServices } from './services.ts';

/** Hears which service has become well. */
export type Tell = (line: string) => void;

interface Wait {
  readonly names: readonly string[];
  readonly withinMs: number;
  readonly tell: Tell;
  /** When each container began that was seen well before: it is not asked again, and one that is seen well now is added. */
  readonly proven?: Map<string, number>;
}

/**
 * Waits until every named service is healthy, or has done its work, and returns the containers as they are then. Fails at once for one
 * that cannot become so, and as `timed-out` otherwise, with the last lines it printed, without secrets.
 */
export async function awaitHealth(world: Runtime, wait: Wait): Promise<Containers> {
  const { names, withinMs, tell, proven = new Map<string, number>() } = wait;
  const { UP_POLL_INTERVAL } = await world.config('operator');
  const began = world.clock.monotonicMs();
  const waiting = new Set(names);
  for (;;) {
    const containers = await lookAtContainers(world);
    const looks = [...waiting].map((name) => hasCome(world, containers.get(name), proven));
    const come = await Promise.all(looks);
    for (const name of [...waiting].filter((_, index) => come[index])) {
      waiting.delete(name);
      tell(
        `  ${name} is ${isOneShot(name) ? 'done' : 'healthy'} (${seconds(world.clock.monotonicMs() - began)})`,
      );
    }
    if (waiting.size === 0) return provenWell(containers, names);
    if (world.clock.monotonicMs() - began > withinMs) throw await tooSlow(world, [...waiting], withinMs);
    await world.clock.sleep(UP_POLL_INTERVAL);
  }
}

type Containers = ReadonlyMap<string, Container>;

/** What the engine still calls starting has passed its check here. */
function provenWell(containers: Containers, names: readonly string[]): Containers {
  return new Map(
    [...containers].map(([name, found]) => [
      name,
      names.includes(name) && found.health === 'starting' ? { ...found, health: 'healthy' } : found,
    ]),
  );
}

/** True for what has arrived; fails for what never will. */
async function hasCome(
  world: Runtime,
  found: Container | undefined,
  proven: Map<string, number>,
): Promise<boolean> {
  if (!found) return false;
  const hopeless = await hopelessness(world, found);
  if (hopeless) throw await failure(world, found, hopeless);
  const began = found.startedAt?.getTime() ?? 0;
  const wasWell = found.state === 'running' && found.health === 'starting';
  if (hasArrived(found) || (wasWell && proven.get(found.service) === began)) return true;
  const isWellNow = await passesCheck(world, found);
  if (isWellNow) proven.set(found.service, began);
  return isWellNow;
}

/** Asks a container that is not known to be well. Fails at once for a database that does not take its password. */
async function passesCheck(world: Runtime, found: Container): Promise<boolean> {
  const ended = await runCheck(world, found);
  if (
    ended &&
    /Access denied for user|password authentication failed|AUTH failed: WRONGPASS/.test(ended.stderr)
  )
    throw await failure(world, found, { code: 'access-denied', why: 'does not take the password of .env' });
  return ended?.exit === 0;
}

function hasArrived(found: Container): boolean {
  return isOneShot(found.service) ? found.state === 'exited' && found.exitCode === 0 : isWell(found);
}

function isOneShot(name: string): boolean {
  return allServices.some((service) => service.name === name && service.oneShot);
}

interface Hopeless {
  readonly code: FailureCode;
  readonly why: string;
}

const crashesAllowed = 2;

/** Why a service will not become well by waiting; undefined as long as it may. */
async function hopelessness(world: Runtime, found: Container): Promise<Hopeless | undefined> {
  if (hasArrived(found) || found.state === 'created') return undefined;
  if (found.oomKilled || (await wasKilledForMemory(world, found))) {
    return {
      code: 'unreachable',
      why: `was killed because it wanted more than its memory limit: raise ${memoryOf(found.service)}`,
    };
  }
  return howItEnds(found);
}

/** While it runs again nobody knows any more how it ended: that is seen between two of its lives. */
function howItEnds({ service, state, exitCode, restarts }: Container): Hopeless | undefined {
  const ended = isOneShot(service)
    ? state === 'exited' || state === 'dead'
    : state === 'restarting' && restarts > crashesAllowed;
  if (ended) return { code: codeOf(exitCode), why: `ends with exit code ${exitCode}` };
  if (restarts <= 3 * crashesAllowed) return undefined;
  return { code: 'unreachable', why: `ended and was started again ${restarts} times` };
}

/** After a restart the engine forgets why: what happened is in its events. */
async function wasKilledForMemory(
  world: Runtime,
  { service, restarts, startedAt }: Container,
): Promise<boolean> {
  if (restarts === 0 || startedAt === undefined) return false;
  const docker = await world.docker();
  const { UP_TIMEOUT } = await world.config('operator');
  const since = new Date(startedAt.getTime() - UP_TIMEOUT);
  for await (const event of docker.pastEvents(since, world.clock.now()))
    if (event.service === service && event.action === 'oom') return true;
  return false;
}

/** The variable that bounds a service's memory. */
export function memoryOf(service: string): string {
  if (service.startsWith('postal-')) return 'POSTAL_MEMORY';
  if (['nginx', 'certbot', 'sink'].includes(service)) return 'PROXY_MEMORY';
  return `${(service === 'migrate' ? 'scheduler' : service).toUpperCase()}_MEMORY`;
}

/** Ours end with the exit codes of the catalogue. */
function codeOf(exit: number): FailureCode {
  const known = Object.entries(failures).find(([code, one]) => one.exit === exit && code !== 'bug');
  return (known?.[0] as FailureCode | undefined) ?? 'unreachable';
}

async function failure(world: Runtime, found: Container, { code, why }: Hopeless): Promise<OperatorError> {
  const said = await lastWords(world, found);
  const cause = said.length > 0 && {
    cause: new Error(`it said\n${said.map((line) => `    ${line}`).join('\n')}`),
  };
  const data = { service: found.service, last_lines: said };
  if (said.some((line) => /no space left on device/i.test(line)))
    return new OperatorError(
      'unreachable',
      `${found.service} has no space left: its volume or the disk is full`,
      {
        hint: 'Free some space (df -h; docker system df), then: mailctl up',
        data,
        ...cause,
      },
    );
  return new OperatorError(code, `${found.service} ${why}`, {
    hint: hintFor(found.service, code),
    data,
    ...cause,
  });
}

function hintFor(service: string, code: FailureCode): string {
  if (code !== 'access-denied')
    return `More of what it says: mailctl logs ${service}; then again: mailctl up`;
  if (service === 'redis')
    return 'It was started with another one than REDIS_PASSWORD: take that out of compose.override.yaml, then: mailctl up';
  const variable = service === 'mariadb' ? 'MARIADB_POSTAL_PASSWORD' : 'POSTGRES_PASSWORD';
  return `A database keeps the password that its volume was made with: put that one back into .env (${variable}), then: mailctl up`;
}

async function tooSlow(world: Runtime, names: readonly string[], withinMs: number): Promise<OperatorError> {
  const containers = await lookAtContainers(world);
  const late = names.map((name) => `${name} (${healthOf(containers.get(name))})`);
  const first = containers.get(names[0] ?? '');
  const said = first ? await lastWords(world, first) : [];
  return new OperatorError('timed-out', `not healthy after ${seconds(withinMs)}: ${late.join(', ')}`, {
    hint: `See what it does: mailctl logs ${names[0]}; wait longer: mailctl up --wait 15m`,
    data: { services: names, last_lines: said },
    ...(said.length > 0 && {
      cause: new Error(`${names[0]} said\n${said.map((line) => `    ${line}`).join('\n')}`),
    }),
  });
}

function healthOf(found: Container | undefined): string {
  if (!found) return 'not created';
  return found.health === 'none'
    ? found.state
    : [found.health, found.healthOutput].filter(Boolean).join(': ');
}

const lastLines = 12;

async function lastWords(world: Runtime, { id }: Container): Promise<readonly string[]> {
  const config: ConfigOf<'operator'> = await world.config('operator');
  const said: string[] = [];
  for await (const { text } of (await world.docker()).logs(id, { tail: lastLines }))
    said.push(redact(text, config));
  return said;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

import type { Container } from '../../adapters/container.ts';
import type { Usage } from '../../adapters/docker.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { mariadbVersion } from '../../store/postal/waiting.ts';
import { postgresVersion } from '../../store/server-version.ts';
import { memoryOf } from '../stack/await-health.ts';
import { isWell, lookAtHealth } from '../stack/current.ts';
import { readPinned } from '../stack/lock-file.ts';
import { allServices } from '../stack/services.ts';
import { type ShownService, showServices } from '../stack/show-services.ts';
import { originOf } from './hops.ts';

/** A service with the version that runs, and what it uses; null where nothing tells it. */
export interface ServiceSeen extends ShownService {
  readonly version: string | null;
  readonly memory_bytes: number | null;
  /** What it may use at most. */
  readonly memory_limit_bytes: number | null;
  /** Processors that it keeps busy: 0.5 is half of one. */
  readonly processors: number | null;
}

/** What runs, and what is wrong with it, in words. */
export interface ServicesSeen {
  readonly services: readonly ServiceSeen[];
  readonly problems: readonly string[];
}

/** The containers of the stack. */
export async function containersSeen(world: Runtime): Promise<ServicesSeen> {
  const containers = await lookAtHealth(world);
  const [versions, usages] = await Promise.all([versionsOf(world, containers), usagesOf(world, containers)]);
  const services = showServices(containers).map((service) => ({
    ...service,
    version: versions.get(service.name) ?? null,
    ...usageOf(usages.get(service.name)),
  }));
  const absent = allServices.filter(({ name }) => always.includes(name) && !containers.has(name));
  return {
    services,
    problems: [
      ...(containers.size === 0 ? ['nothing runs; start it: mailctl up'] : []),
      ...(containers.size === 0 ? [] : absent.map(({ name }) => `${name} does not run: mailctl up ${name}`)),
      ...[...containers.values()].flatMap(problemOf),
    ],
  };
}

/** What every running container uses; where the engine does not tell it in time, how they are is told all the same. */
async function usagesOf(
  world: Runtime,
  containers: ReadonlyMap<string, Container>,
): Promise<ReadonlyMap<string, Usage>> {
  const docker = await world.docker();
  const running = [...containers.values()].filter(({ state }) => state === 'running');
  const said = await Promise.all(running.map(({ id, service }) => told(service, () => docker.usage(id))));
  return new Map(said.flat());
}

function usageOf(
  usage: Usage | undefined,
): Pick<ServiceSeen, 'memory_bytes' | 'memory_limit_bytes' | 'processors'> {
  return {
    memory_bytes: usage?.memoryBytes ?? null,
    memory_limit_bytes: usage?.memoryLimitBytes ?? null,
    processors: usage === undefined ? null : Number(usage.processors.toFixed(2)),
  };
}

/** A one-shot that did its work may be gone. */
const always = allServices
  .filter(({ name, oneShot }) => !oneShot && !['certbot', 'sink'].includes(name))
  .map(({ name }) => name);

function problemOf(found: Container): readonly string[] {
  const { service, state, health, healthOutput, exitCode, oomKilled } = found;
  const known = allServices.find(({ name }) => name === service);
  if (!known) return [];
  if (oomKilled) {
    return [`${service} was killed because it wanted more than its memory limit: raise ${memoryOf(service)}`];
  }
  if (known.oneShot ? exitCode === 0 : isWell(found)) return [];
  return [`${service} is ${health === 'none' ? state : health}${healthOutput && `: ${healthOutput}`}`];
}

/** What the stores say of themselves; of all else the label of its image, or the tag it is named by. */
async function versionsOf(
  world: Runtime,
  containers: ReadonlyMap<string, Container>,
): Promise<ReadonlyMap<string, string>> {
  const pinned = Object.entries(await readPinned(world));
  const tags = [...containers.values()].flatMap(({ service, image, version }) => {
    const named = pinned.find(([, digest]) => digest === image)?.[0] ?? image;
    const found = version ?? /:([\w][\w.-]*)$/.exec(named)?.[1];
    return found === undefined ? [] : [[service, found] as const];
  });
  const said = await Promise.all([
    told('postgres', async () => postgresVersion(await world.postgres())),
    told('mariadb', async () => (await world.postalDatabase())?.session(mariadbVersion)),
  ]);
  return new Map([...tags, ...said.flat()]);
}

/** What was asked of a service; whoever does not answer is told of elsewhere. */
async function told<T>(
  service: string,
  ask: () => Promise<T | undefined>,
): Promise<readonly (readonly [string, T])[]> {
  const answer = await ask().catch((cause: unknown) => {
    if (cause instanceof OperatorError) return undefined;
    throw cause;
  });
  return answer === undefined ? [] : [[service, answer]];
}

/** Services that run beside each other on this host, or in a sandbox, by what their health says. */
export async function localsSeen(world: Runtime): Promise<ServicesSeen> {
  const { RELAY_HEALTH_LISTEN, API_HEALTH_LISTEN, WORKER_HEALTH_LISTEN, STATUS_TIMEOUT } =
    await world.config('operator');
  const http = await world.http();
  const looks = [
    ['relay', RELAY_HEALTH_LISTEN],
    ['api', API_HEALTH_LISTEN],
    ['worker', WORKER_HEALTH_LISTEN],
  ] as const;
  const seen = looks.map(async ([name, listen]) => {
    const ask = async (health: string) =>
      http.exchange({ method: 'GET', url: `${originOf(listen)}/health/${health}`, withinMs: STATUS_TIMEOUT });
    const ends = await Promise.all(['live', 'ready'].map(ask));
    const why = ends
      .map((end) => (end.end === 'answered' ? whyNot(name, end.body.toString()) : end.why))
      .find((one) => one !== undefined);
    const state = ends.every(({ end }) => end === 'answered') ? 'running' : 'not reached';
    return { name, state, why };
  });
  const found = await Promise.all(seen);
  return {
    services: found.map(({ name, state, why }) => ({
      name,
      state,
      health: why === undefined ? 'healthy' : 'unhealthy',
      image: '',
      version: null,
      ...usageOf(undefined),
      started_at: null,
      restarts: 0,
    })),
    problems: found.flatMap(({ name, why }) => (why === undefined ? [] : [`${name} is not well: ${why}`])),
  };
}

interface HealthSaid {
  readonly service?: string;
  readonly ok?: boolean;
  readonly checks?: readonly { readonly name: string; readonly ok: boolean; readonly why?: string }[];
}

function whyNot(name: string, body: string): string | undefined {
  const said = parse(body);
  if (said.service !== name) return `what answers is ${said.service ?? 'no service of mailctl'}`;
  if (said.ok) return undefined;
  const wrong = said.checks?.filter(({ ok }) => !ok) ?? [];
  return wrong.map(({ name: check, why }) => `${check}: ${why ?? 'no reason given'}`).join('; ');
}

function parse(body: string): HealthSaid {
  try {
    return JSON.parse(body) as HealthSaid;
  } catch {
    return {};
  }
}

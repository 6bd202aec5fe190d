import { OperatorError } from '../../domain/failure.ts';
import type { Container } from '../../adapters/container.ts';
import { hasSink } from '../../config/profiles.ts';
import type { Runtime } from '../../runtime.ts';
import { settleSinkRecords, writeFirstSinkRecords } from '../domains/sink-records.ts';
import type { Plan, Step } from '../plan.ts';
import { awaitHealth, type Tell } from './await-health.ts';
import { type Drawn, drawUp } from './blueprint.ts';
import { type Current, isCurrent, lookAtContainers, lookAtServices, wantedHashes } from './current.ts';
import { distributeSecrets } from './distribute-secrets.ts';
import { groundwork, settleFiles } from './groundwork.ts';
import { joinSink } from './join-sink.ts';
import { refuseLostMainDatabase, settleUsers } from './mariadb-look.ts';
import { nameOf, ownVariable, removeOutdatedImages } from './images.ts';
import { settlePostgresLogin } from './postgres-login.ts';
import { rescueBefore } from '../postal/rescue.ts';
import { findObstacles, type Obstacle, refuseObstacles } from './preflight.ts';
import { workerService } from '../postal/workers.ts';
import { provisionPostal } from './provision.ts';
import { allServices, type Service, type Stage, stages } from './services.ts';
import { startFailure } from './start-failure.ts';
import { type ShownService, showServices, urlsOf } from './show-services.ts';

/** Which services are to run, and how. */
export interface WantedUp {
  /** All when none is named; what a named one needs comes with it. */
  readonly names: readonly string[];
  /** Nothing besides the named ones. */
  readonly only: boolean;
  /** Images are pulled although they are there. */
  readonly pull: boolean;
  readonly withinMs: number;
  readonly profiles: readonly string[];
}

/** What `up` reports. */
export interface Started {
  readonly services: readonly ShownService[];
  readonly urls: Readonly<Record<string, string>>;
}

export interface UpPlan extends Plan<Started> {
  /** What does not keep the stack from starting, and should be known. */
  readonly warnings: readonly Obstacle[];
}

/** Plans what the stack lacks: no step where everything runs as it should. Refuses when the host would not carry it. */
export async function planUp(asked: Runtime, wanted: WantedUp, tell: Tell): Promise<UpPlan> {
  const { world, steps: joining } = await joinSink(asked, wanted.profiles);
  const drawn = await drawUp(world);
  const chosen = chooseServices(wanted, drawn);
  const obstacles = await lookForObstacles(world, drawn);
  const current = await lookAtServices(world, drawn);
  const strays = straysAmong(current.containers, drawn);
  const lacking = chosen.filter(
    (service) => !isCurrent(current, service) || (wanted.pull && mayBecomeOther(service, drawn)),
  );
  const shown: { started: Started } = { started: report(current.containers, drawn) };
  const steps = [
    ...joining,
    ...(strays.length > 0 ? [removeStrays(strays)] : []),
    ...(await groundwork(world, drawn, wanted)),
    ...stages.flatMap((stage) => stageSteps({ stage, lacking, current, wanted, tell })),
  ];
  const outdated = await removeOutdatedImages(world, drawn);
  const last: Step = {
    do: 'look',
    what: 'see that all of it stays well',
    run: async () => {
      const names = lacking.map(({ name }) => name);
      const well = await awaitHealth(world, { names, withinMs: wanted.withinMs, tell: () => undefined });
      shown.started = report(well, await drawUp(world));
    },
  };
  return {
    title:
      steps.length === 0
        ? `${drawn.config.STACK_NAME} runs as it should`
        : `Bring ${drawn.config.STACK_NAME} up`,
    steps: steps.length === 0 ? [] : [...steps, last, ...outdated],
    warnings: obstacles.filter(({ warning }) => warning),
    result: () => shown.started,
  };
}

async function lookForObstacles(world: Runtime, { config, names }: Drawn): Promise<readonly Obstacle[]> {
  const containers = [...(await lookAtContainers(world)).values()];
  const running = new Set(containers.filter(runs).map(({ service }) => service));
  const obstacles = await findObstacles({ world, config, names, running });
  refuseObstacles(obstacles);
  return obstacles;
}

/** True where a pull may bring another image: its name was never given a digest. */
function mayBecomeOther({ image = ownVariable }: Service, drawn: Drawn): boolean {
  const isBuilt = image === ownVariable && drawn.isBuilt;
  return !isBuilt && drawn.pinned[nameOf(image, drawn)] === undefined;
}

function runs({ state }: { readonly state: string }): boolean {
  return state === 'running' || state === 'restarting';
}

/** The services that are meant: those that are named, and, unless only they are wanted, all that starts before them. */
function chooseServices({ names, only }: Pick<WantedUp, 'names' | 'only'>, drawn: Drawn): readonly Service[] {
  const there = servicesOf(drawn);
  const unknown = names.find((name) => !there.some((service) => service.name === name));
  if (unknown !== undefined)
    throw new OperatorError('usage', `there is no service ${unknown}`, {
      hint: `Services: ${there.map(({ name }) => name).join(', ')}`,
      field: 'SERVICE',
    });
  if (names.length === 0) return there;
  const named = there.filter(({ name }) => names.includes(name));
  const last = Math.max(...named.map(({ stage }) => stages.indexOf(stage)));
  return only ? named : there.filter((one) => named.includes(one) || stages.indexOf(one.stage) < last);
}

/** The services of this configuration. */
function servicesOf({ config }: Drawn): readonly Service[] {
  const absent = [
    ...(config.TLS_SOURCE === 'acme' ? [] : ['certbot']),
    ...(config.TLS_SOURCE === 'off' ? ['tls-init'] : []),
    ...(hasSink(config) ? [] : ['sink']),
  ];
  return allServices.filter(({ name }) => !absent.includes(name));
}

/** Containers of services that this configuration has no more. */
function straysAmong(containers: Current['containers'], drawn: Drawn): readonly Container[] {
  const there = servicesOf(drawn);
  const gone = allServices.filter(({ name }) => !there.some((service) => service.name === name));
  return gone.flatMap(({ name }) => containers.get(name) ?? []);
}

function removeStrays(strays: readonly Container[]): Step {
  return {
    do: 'remove',
    what: `remove ${strays.map(({ service }) => service).join(', ')}, which this configuration has no more`,
    run: async (world) => {
      const docker = await world.docker();
      for (const { id } of strays) await docker.remove(id);
    },
  };
}

interface StageToRun {
  readonly stage: Stage;
  readonly lacking: readonly Service[];
  readonly current: Current;
  readonly wanted: WantedUp;
  readonly tell: Tell;
}

function stageSteps({ stage, lacking, current, wanted, tell }: StageToRun): readonly Step[] {
  const names = lacking.filter((service) => service.stage === stage).map(({ name }) => name);
  const worker = current.containers.get(workerService);
  const rescue = rescueBefore(names, worker !== undefined && runs(worker));
  if (names.length === 0) return [];
  return [
    ...beforeStart(names),
    ...rescue,
    startServices(names, wanted, tell),
    ...afterStart(stage, names, wanted),
  ];
}

/** What the services of a stage need once they run. */
function afterStart(stage: Stage, names: readonly string[], wanted: WantedUp): readonly Step[] {
  if (stage === 'databases')
    return [login, grant].filter(({ of }) => names.includes(of)).map(({ step }) => step);
  return stage === 'postal' ? [...provisioning, knowNewKeys(names, wanted)] : [];
}

const login = {
  of: 'postgres',
  step: { do: 'grant', what: 'see that PostgreSQL knows the login of .env', run: settlePostgresLogin },
} as const;

const grant = {
  of: 'mariadb',
  step: { do: 'grant', what: "give MariaDB's users their rights", run: settleUsers },
} as const;

/**
 * Postal's processes read once with which password Postal sends mail of its own, and Postal made it only now. Nobody waits for them here:
 * the look at the end does.
 */
function knowNewKeys(names: readonly string[], wanted: WantedUp): Step {
  return {
    do: 'start',
    what: 'start Postal anew where it made a key that it reads at its start',
    run: async (world) => {
      const containers = await lookAtContainers(world);
      const hashes = await wantedHashes(world, await drawUp(world));
      const late = names.filter((name) => containers.get(name)?.configHash !== hashes.get(name));
      if (late.length > 0) await composeUp(world, late, wanted);
    },
  };
}

function startServices(names: readonly string[], wanted: WantedUp, tell: Tell): Step {
  return {
    do: 'start',
    what: `start ${names.join(', ')} and wait until ${names.length === 1 ? 'it is' : 'they are'} well`,
    run: async (world) => {
      await composeUp(world, names, wanted);
      await awaitHealth(world, { names, withinMs: wanted.withinMs, tell });
    },
  };
}

async function composeUp(
  world: Runtime,
  names: readonly string[],
  { profiles }: Pick<WantedUp, 'profiles'>,
): Promise<void> {
  const argv = ['up', '--detach', '--no-deps', '--no-build', '--quiet-pull', ...names];
  const { exit, stderr } = await (await world.compose()).run({ argv, profiles });
  if (exit !== 0) throw startFailure(names, stderr);
}

/** What must be there before one of these services starts. */
function beforeStart(names: readonly string[]): readonly Step[] {
  return [
    ...(names.includes('sink') ? [firstRecords] : []),
    ...(names.includes('postal-init') ? [guard] : []),
  ];
}

const firstRecords: Step = {
  do: 'write',
  what: 'write the records that the sink begins with',
  run: writeFirstSinkRecords,
};

const guard: Step = {
  do: 'guard',
  what: 'see that Postal may be set up without losing anything',
  run: refuseLostMainDatabase,
};

const provisioning: readonly Step[] = [
  { do: 'provision', what: 'bring Postal in line with the configuration', run: provisionPostal },
  {
    do: 'write',
    what: 'hand on what Postal made: compose.yaml and secrets',
    run: async (world) => {
      world.forgetSources();
      await settleFiles(world);
      await distributeSecrets(world);
      await settleSinkRecords(world);
    },
  },
];

function report(containers: Current['containers'], drawn: Drawn): Started {
  return { services: showServices(containers), urls: urlsOf(drawn.config) };
}

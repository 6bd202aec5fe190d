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
import { allServices, type Service } from './services.ts';
import { beginLaunch, composeUp, createContainers, type Launch, startServices } from './start-services.ts';
import { besideEachOther, type Stage, stagesBefore } from './stages.ts';
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
  const { obstacles, current, ground, outdated } = await lookAround(world, drawn, wanted);
  const strays = straysAmong(current.containers, drawn);
  const lacking = chosen.filter(
    (service) => !isCurrent(current, service) || (wanted.pull && mayBecomeOther(service, drawn)),
  );
  const shown: { started: Started } = { started: report(current.containers, drawn) };
  const launch = beginLaunch({ ...wanted, tell });
  const absent = lacking.filter(({ name }) => !current.containers.has(name)).map(({ name }) => name);
  const first = [
    ...joining,
    ...(strays.length > 0 ? [removeStrays(strays)] : []),
    ...ground,
    ...(absent.length > 0 ? [createContainers(absent, launch)] : []),
  ];
  const stepsOf = (stage: Stage) => stageSteps({ stage, lacking, current, launch });
  const steps = [...first, ...besideEachOther(first.slice(-1), stepsOf)];
  const { STACK_NAME: name } = drawn.config;
  return {
    title: steps.length === 0 ? `${name} runs as it should` : `Bring ${name} up`,
    steps: steps.length === 0 ? [] : [...steps, seeAllWell(lacking, launch, shown), ...outdated],
    warnings: obstacles.filter(({ warning }) => warning),
    result: () => shown.started,
  };
}

/** Looks at everything at once; of what is wrong, what keeps the stack from starting is told first. */
async function lookAround(world: Runtime, drawn: Drawn, wanted: WantedUp) {
  const looks = Promise.all([
    lookAtServices(world, drawn),
    groundwork(world, drawn, wanted),
    removeOutdatedImages(world, drawn),
  ]);
  looks.catch(() => undefined);
  const obstacles = await lookForObstacles(world, drawn);
  const [current, ground, outdated] = await looks;
  return { obstacles, current, ground, outdated };
}

function seeAllWell(lacking: readonly Service[], launch: Launch, shown: { started: Started }): Step {
  return {
    do: 'look',
    what: 'see that all of it stays well',
    run: async (world) => {
      const names = lacking.map(({ name }) => name);
      const well = await awaitHealth(world, { ...launch, names, tell: () => undefined });
      shown.started = report(well, await drawUp(world));
    },
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
  const before = new Set(named.flatMap(({ stage }) => [...stagesBefore(stage)]));
  return only ? named : there.filter((one) => named.includes(one) || before.has(one.stage));
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
  readonly launch: Launch;
}

function stageSteps({ stage, lacking, current, launch }: StageToRun): readonly Step[] {
  const names = lacking.filter((service) => service.stage === stage).map(({ name }) => name);
  const worker = current.containers.get(workerService);
  const rescue = rescueBefore(names, worker !== undefined && runs(worker));
  if (names.length === 0) return [];
  return [
    ...beforeStart(names),
    ...rescue,
    startServices(names, launch),
    ...afterStart(stage, names, launch),
  ];
}

/** What the services of a stage need once they run. */
function afterStart(stage: Stage, names: readonly string[], launch: Launch): readonly Step[] {
  if (stage === 'databases')
    return [login, grant].filter(({ of }) => names.includes(of)).map(({ step }) => step);
  return stage === 'postal' ? [provisioning, handOn(names, launch)] : [];
}

const login = {
  of: 'postgres',
  step: { do: 'grant', what: 'see that PostgreSQL knows the login of .env', run: settlePostgresLogin },
} as const;

const grant = {
  of: 'mariadb',
  step: { do: 'grant', what: "give MariaDB's users their rights", run: settleUsers },
} as const;

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

const provisioning: Step = {
  do: 'provision',
  what: 'bring Postal in line with the configuration',
  run: provisionPostal,
};

/**
 * Postal's processes read once with which password Postal sends mail of its own, and Postal made it only now: they are started anew where
 * they were made without it. Nobody waits for them here: the look at the end does.
 */
function handOn(names: readonly string[], launch: Launch): Step {
  return {
    do: 'write',
    what: 'hand on what Postal made: compose.yaml, secrets, and to Postal itself what it reads at its start',
    run: async (world) => {
      world.forgetSources();
      const written = await settleFiles(world);
      await distributeSecrets(world);
      await settleSinkRecords(world);
      if (!written.includes('compose.yaml')) return;
      launch.made.clear();
      const containers = await lookAtContainers(world);
      const hashes = await wantedHashes(world, await drawUp(world));
      const late = names.filter((name) => containers.get(name)?.configHash !== hashes.get(name));
      if (late.length > 0) await composeUp(world, late, launch);
    },
  };
}

function report(containers: Current['containers'], drawn: Drawn): Started {
  return { services: showServices(containers), urls: urlsOf(drawn.config) };
}

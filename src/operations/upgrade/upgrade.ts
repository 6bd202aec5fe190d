import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { planRun } from '../backup/run.ts';
import type { Workplace } from '../backup/workplace.ts';
import type { Plan, Step } from '../plan.ts';
import { type Drawn, drawUp } from '../stack/blueprint.ts';
import { isCurrent, lookAtServices } from '../stack/current.ts';
import { buildOwnImage, ownVariable } from '../stack/images.ts';
import { type LockFile, type Previous, readLockFile, writeLockFile } from '../stack/lock-file.ts';
import { findObstacles, refuseObstacles } from '../stack/preflight.ts';
import { allServices } from '../stack/services.ts';
import { compareImages, type ImageChange, isOther } from './images.ts';
import { type Marks, readMarks } from './marks.ts';
import { changedSettings } from './settings.ts';
import { bringUp, goBack, pinImages, proveMailFlows, settleLock, stopOurs, type Way } from './switch.ts';

/** What an upgrade reports. */
export interface Upgraded {
  readonly done: string;
}

interface Upgrade {
  readonly way: Way;
  readonly drawn: Drawn;
  /** Those that change; the others stay what they are, by name or digest. */
  readonly images: readonly ImageChange[];
  readonly settings: readonly string[];
  readonly backup: Backup;
}

/**
 * Plans to bring every image to what its name means today, and every service to what `.env` says: a backup first, then the databases,
 * Postal, api, worker and the relay last, then the proof that mail flows. What fails goes back to the images of before, as long as no
 * database was migrated. No step where nothing is new. Throws `refused` without a backup.
 */
export async function planUpgrade(place: Workplace, way: Way): Promise<Plan<Upgraded>> {
  const { world } = place;
  const drawn = await drawUp(world);
  const { containers, wanted } = await lookAtServices(world, drawn);
  if (containers.size === 0) throw nothingRuns();
  const running = new Set([...containers.values()].filter(isRunning).map(({ service }) => service));
  refuseObstacles(await findObstacles({ world, config: drawn.config, names: drawn.names, running }));
  const images = await compareImages(world, drawn, containers);
  const others = await Promise.all(images.map((image) => isOther(world, image)));
  const changes = images.filter((_, index) => others[index]);
  const { previous } = await readLockFile(world);
  const differs = allServices.some(
    (service) => containers.has(service.name) && !isCurrent({ containers, wanted }, service),
  );
  if (changes.length === 0 && !differs && previous?.finished !== false) return nothingNew();
  for (const change of changes) await refuseOtherMajor(world, change);
  const settings = await changedSettings(world, drawn, containers);
  const backup = await planBackup(place);
  const upgrade = { way, drawn, images: changes, settings, backup };
  return {
    title: `Upgrade ${drawn.config.STACK_NAME}: ${changes.length} images, ${settings.length} settings`,
    steps: [...backup.steps, ...changes.map(obtain), ...switchSteps(upgrade)],
    result: () => ({ done: `${drawn.config.STACK_NAME} runs what its images mean today` }),
  };
}

function isRunning({ state }: { readonly state: string }): boolean {
  return state === 'running' || state === 'restarting';
}

function nothingNew(): Plan<Upgraded> {
  const done = 'nothing is new: every image is what its name means, and every service what .env says';
  return { title: done, steps: [], result: () => ({ done }) };
}

function nothingRuns(): OperatorError {
  return new OperatorError('refused', 'nothing runs that could be upgraded', {
    hint: 'Start it: mailctl up',
  });
}

interface Backup {
  readonly steps: readonly Step[];
  /** The set that was taken. */
  set(): string | null;
}

async function planBackup(place: Workplace): Promise<Backup> {
  const wanted = { only: undefined, acceptShrink: false, postpone: false };
  const plan = await planRun(place, wanted).catch((cause: unknown) => {
    if (!(cause instanceof OperatorError)) throw cause;
    throw new OperatorError('refused', `no upgrade without a backup: ${cause.message}`, {
      hint: cause.hint,
      ...(cause.field !== undefined && { field: cause.field }),
    });
  });
  return { steps: plan.steps, set: () => plan.result().set?.id ?? null };
}

function obtain(change: ImageChange): Step {
  const { name, to, from, variable } = change;
  const words = `${name}: ${brief(from)} → ${brief(to)} (${change.services.join(', ')})`;
  if (variable === ownVariable && name === to) {
    const build = buildOwnImage(to);
    return {
      ...build,
      what: `build ${words}`,
      run: async (world) => {
        if ((await (await world.docker()).image(to)) === undefined) await build.run(world);
      },
    };
  }
  return {
    do: 'pull',
    what: `get ${words}`,
    run: async (world) => {
      const docker = await world.docker();
      if ((await docker.image(to)) === undefined) await docker.pull(to);
      await refuseOtherMajor(world, change);
    },
  };
}

/** The digest or tag, as short as people compare it. */
function brief(reference: string): string {
  const digest = /sha256:([0-9a-f]{12})/.exec(reference)?.[1];
  return digest ?? reference.slice(reference.lastIndexOf(':') + 1);
}

/** PostgreSQL does not start on the files of another major version. What an image on no host says is seen once it is got. */
async function refuseOtherMajor(world: Runtime, { variable, to, fromId }: ImageChange): Promise<void> {
  if (variable !== 'POSTGRES_IMAGE') return;
  const docker = await world.docker();
  const majors = await Promise.all(
    [fromId, to].map(async (image) =>
      (await docker.image(image))?.environment
        .find((pair) => pair.startsWith('PG_MAJOR='))
        ?.slice('PG_MAJOR='.length),
    ),
  );
  const [now, then] = majors;
  if (now === undefined || then === undefined || now === then) return;
  throw new OperatorError(
    'refused',
    `PostgreSQL ${then} does not start on the data of PostgreSQL ${now}; nothing was changed`,
    {
      hint: `Name an image of PostgreSQL ${now} in POSTGRES_IMAGE; to change the major version, restore a backup into a new stack`,
      field: 'POSTGRES_IMAGE',
    },
  );
}

function switchSteps(upgrade: Upgrade): readonly Step[] {
  const { settings, way } = upgrade;
  const seen: { marks: Marks } = { marks: {} };
  const see = (marks: Marks) => void Object.assign(seen, { marks: { ...seen.marks, ...marks } });
  const guarded = (words: Omit<Step, 'run'>, run: Step['run']): Step => ({
    ...words,
    run: async (world) => run(world).catch((cause: unknown) => takeBack(world, cause, seen.marks, way)),
  });
  const told = settings.length === 0 ? '' : `; settings: ${settings.join('; ')}`;
  return [
    {
      do: 'remember',
      what: 'write what runs now into mailctl.lock.json, to go back to',
      run: async (world) => rememberRunning(world, upgrade),
    },
    guarded(
      { do: 'stop', what: 'stop scheduler, worker and api; the relay goes on accepting into its journal' },
      stopOurs,
    ),
    guarded({ do: 'start', what: `bring up what is new, the relay last${told}` }, async (world) => {
      const meant = upgrade.images.map(({ name, to }) => [name, to]);
      await pinImages(world, Object.fromEntries(meant) as Record<string, string>);
      await bringUp(world, way, see);
    }),
    guarded({ do: 'prove', what: 'prove end to end that mail flows' }, (world) => proveMailFlows(world, way)),
    {
      do: 'remember',
      what: 'keep the images of before for mailctl upgrade rollback',
      run: (world) => settleLock(world, 'finished'),
    },
  ];
}

/** What a run that died had written down counts, as what runs since then may be half of each; what it did not change is added. */
async function rememberRunning(world: Runtime, { images, drawn, backup }: Upgrade): Promise<void> {
  const lock = await readLockFile(world);
  const { previous } = lock;
  const died = previous?.finished === false ? previous : undefined;
  const docker = await world.docker();
  const added = images.filter(({ variable }) => died?.images[variable] === undefined);
  for (const { variable, fromId } of added)
    await docker.keepAs(fromId, `${drawn.config.STACK_NAME}-previous:${variable.toLowerCase()}`);
  const now: Previous = {
    at: world.clock.now().toISOString(),
    finished: false,
    backup: backup.set(),
    marks: await readMarks(world),
    ...died,
    images: { ...Object.fromEntries(added.map(({ variable, from }) => [variable, from])), ...died?.images },
  };
  await writeLockFile(world, { ...lock, previous: now });
  if (!died) await forgetOlder(world, lock, now);
}

/** What the upgrade before this one could be taken back to: nothing does that any more. */
async function forgetOlder(world: Runtime, { images, previous }: LockFile, now: Previous): Promise<void> {
  const docker = await world.docker();
  const kept = Object.values({ ...images, ...now.images });
  for (const older of Object.values(previous?.images ?? {}))
    if (!kept.includes(older)) await docker.removeImage(older);
}

/** Goes back to what ran before, and fails with why the upgrade did. */
async function takeBack(world: Runtime, cause: unknown, marks: Marks, way: Way): Promise<never> {
  const { previous } = await readLockFile(world);
  const failed = cause instanceof OperatorError ? cause : undefined;
  if (!previous || !failed) throw cause;
  way.tell(`✘ ${failed.message}`);
  way.tell('going back to what ran before');
  try {
    await goBack(world, previous, marks, way);
  } catch (second) {
    throw stuck(failed, second);
  }
  await settleLock(world, 'forget');
  throw new OperatorError(failed.code, `the upgrade failed and was taken back: ${failed.message}`, {
    hint: 'What ran before runs again, and nothing that was accepted is lost. Name another image, or wait for a better one, then: mailctl upgrade',
    data: failed.data,
    cause: failed.cause,
  });
}

function stuck(failed: OperatorError, second: unknown): OperatorError {
  const why = second instanceof Error ? second.message : String(second);
  const hint = second instanceof OperatorError ? second.hint : 'See how things are: mailctl status';
  return new OperatorError(
    failed.code,
    `the upgrade failed: ${failed.message}; and it was not taken back: ${why}`,
    {
      hint,
      data: failed.data,
      cause: failed.cause,
    },
  );
}

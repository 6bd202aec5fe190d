import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Tell } from '../stack/await-health.ts';
import { drawUp } from '../stack/blueprint.ts';
import { lookAtContainers } from '../stack/current.ts';
import { distributeSecrets } from '../stack/distribute-secrets.ts';
import { nameOf } from '../stack/images.ts';
import { type LockFile, type Previous, readLockFile, writeLockFile } from '../stack/lock-file.ts';
import { runInProbe } from '../stack/probe.ts';
import { allServices } from '../stack/services.ts';
import { planUp } from '../stack/up.ts';
import { type Marks, oneWay, readMarks } from './marks.ts';

/** How a stack is brought from images to images. */
export interface Way {
  readonly withinMs: number;
  readonly tell: Tell;
  readonly stop: AbortSignal;
}

/** From now on these names mean these images. */
export async function pinImages(world: Runtime, images: Readonly<Record<string, string>>): Promise<void> {
  const lock = await readLockFile(world);
  await writeLockFile(world, { ...lock, images: { ...lock.images, ...images } });
}

/** Stops what works on the databases and takes no mail: the relay goes on accepting into its journal. */
export async function stopOurs(world: Runtime): Promise<void> {
  const containers = await lookAtContainers(world);
  for (const name of ['scheduler', 'worker', 'api'])
    if (containers.get(name)?.state === 'running')
      await (await world.compose()).must({ argv: ['stop', name] });
}

/** Brings all up that is not as it should be, the relay last; `seen` hears how far the databases are after each step. */
export async function bringUp(
  world: Runtime,
  { withinMs, tell }: Way,
  seen: (marks: Marks) => void,
): Promise<void> {
  const names = await startedBefore(world);
  const plan = await planUp(
    world,
    { names, only: names.length > 0, pull: false, profiles: [], withinMs },
    tell,
  );
  for (const step of plan.steps) {
    try {
      await step.run(world);
    } finally {
      seen(await readMarks(world));
    }
    tell(`  ${step.what}`);
  }
}

/** All of the stack, or what of it the operator chose to start. */
async function startedBefore(world: Runtime): Promise<readonly string[]> {
  const containers = await lookAtContainers(world);
  const there = allServices.filter(({ name }) => containers.has(name)).map(({ name }) => name);
  return there.includes('relay') ? [] : there;
}

/** Proves that mail flows. Throws `check-failed` with the first hop that is broken. */
export async function proveMailFlows(world: Runtime, { stop }: Way): Promise<void> {
  const { exit, stdout, stderr } = await runInProbe(world, ['e2e', '--json'], stop);
  if (exit === 0) return;
  const hop = /"first_broken_hop":"([^"]+)"/.exec(stdout)?.[1];
  throw new OperatorError(
    'check-failed',
    `mail does not flow${hop === undefined ? '' : `: ${hop} is broken`}`,
    {
      hint: 'See every check: mailctl e2e',
      ...(hop === undefined && { cause: new Error((stdout || stderr).trim().slice(-500)) }),
    },
  );
}

/** Goes back to what ran before. Throws `refused` where a database has gone a way that has no return. */
export async function goBack(world: Runtime, previous: Previous, now: Marks, way: Way): Promise<void> {
  refuseOneWay(previous, now);
  const drawn = await drawUp(world);
  const images = Object.entries(previous.images).map(([variable, image]) => [nameOf(variable, drawn), image]);
  await pinImages(world, Object.fromEntries(images) as Record<string, string>);
  await bringUp(world, way, () => undefined);
}

/** Throws `refused` where the images of before cannot work on the databases of now. */
export function refuseOneWay({ marks, backup }: Previous, now: Marks): void {
  const steps = oneWay(marks, now);
  if (steps.length === 0) return;
  throw new OperatorError('refused', `there is no way back to the images of before: ${steps.join('; ')}`, {
    hint: `Put right what is wrong, then: mailctl up. The data of before are in the set ${backup ?? '(none)'}: mailctl backup restore`,
  });
}

/** Writes down that there is nothing to go back to, or that what runs now is what was wanted. */
export async function settleLock(world: Runtime, how: 'forget' | 'finished'): Promise<void> {
  const { images, previous }: LockFile = await readLockFile(world);
  const kept = how === 'finished' && previous ? { previous: { ...previous, finished: true } } : {};
  await writeLockFile(world, { images, ...kept });
  await distributeSecrets(world);
}

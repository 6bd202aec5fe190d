import { join } from 'node:path';

import type { Container } from '../../adapters/container.ts';
import { sinkProfile } from '../../config/profiles.ts';
import type { Runtime } from '../../runtime.ts';
import type { Drawn } from './blueprint.ts';
import { askNewcomers } from './own-check.ts';
import type { Service } from './services.ts';

/** How the services are, and how they should be. */
export interface Current {
  readonly containers: ReadonlyMap<string, Container>;
  /** Services of the Compose file, in the order of Compose's own. */
  readonly wanted: ReadonlyMap<string, string>;
}

/** Looks at the containers, and has Compose say what each should be like. */
export async function lookAtServices(world: Runtime, drawn: Drawn): Promise<Current> {
  const [containers, wanted] = await Promise.all([lookAtHealth(world), wantedHashes(world, drawn)]);
  return { containers, wanted };
}

/** The containers by service; of a service with several, the one that was started last. */
export async function lookAtContainers(
  world: Pick<Runtime, 'docker'>,
): Promise<ReadonlyMap<string, Container>> {
  const found = await (await world.docker()).containers();
  const byStart = found.toSorted((one, other) => startOf(one) - startOf(other));
  return new Map(byStart.filter(({ oneOff }) => !oneOff).map((one) => [one.service, one]));
}

/** The same; one that the engine has not looked at since its start is asked by its own check. */
export async function lookAtHealth(world: Runtime): Promise<ReadonlyMap<string, Container>> {
  return askNewcomers(world, await lookAtContainers(world));
}

function startOf({ startedAt }: Container): number {
  return startedAt?.getTime() ?? 0;
}

/** What Compose would make each service from, by its hash of that. */
export async function wantedHashes(world: Runtime, drawn: Drawn): Promise<ReadonlyMap<string, string>> {
  const stdout = await askCompose(world, await independentModel(world, drawn), ['config', '--hash', '*']);
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(rows.flatMap(([name, hash]) => (name && hash ? [[name, hash] as const] : [])));
}

/**
 * The services as Compose makes them where none waits for another: started without those they depend on, their hash leaves these out,
 * but not where they are only made.
 */
export async function independentModel(world: Runtime, { files }: Drawn): Promise<string> {
  const content = files.find(({ path }) => path === 'compose.yaml')?.content ?? '';
  const hasOwn = (await world.files.modeOf(join(world.dir, 'compose.override.yaml'))) !== undefined;
  return hasOwn ? mergedModel(world, content) : withoutDependencies(content);
}

/** Has Compose read its file from stdin. */
export const fromStdin = ['--project-directory', '.', '--file', '-'] as const;

async function askCompose({ compose }: Runtime, input: string, words: readonly string[]): Promise<string> {
  const argv = [...fromStdin, ...words];
  return (await (await compose()).must({ argv, input, profiles: [sinkProfile] })).stdout;
}

/** Our file and the operator's own, as Compose puts them together. */
async function mergedModel(world: Runtime, content: string): Promise<string> {
  const words = ['--file', 'compose.override.yaml', 'config', '--format', 'json'];
  const model = JSON.parse(await askCompose(world, content, words)) as { services: Record<string, object> };
  const services = Object.entries(model.services).map(([name, service]) => [
    name,
    { ...service, depends_on: undefined },
  ]);
  return JSON.stringify({ ...model, services: Object.fromEntries(services) as object });
}

function withoutDependencies(content: string): string {
  return content.replaceAll(/^ {4}depends_on:\n(?: {6}.*\n)+/gm, '');
}

/** True where a service is what it should be and well: nothing is to be done for it. */
export function isCurrent({ containers, wanted }: Current, { name, oneShot }: Service): boolean {
  const found = containers.get(name);
  if (!found || found.configHash !== wanted.get(name)) return false;
  return oneShot ? found.state === 'exited' && found.exitCode === 0 : isWell(found);
}

/** True for what runs and is healthy, or has no health check. */
export function isWell({ state, health }: Container): boolean {
  return state === 'running' && (health === 'healthy' || health === 'none');
}

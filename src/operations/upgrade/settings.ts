import { join } from 'node:path';

import type { Container } from '../../adapters/container.ts';
import type { Runtime } from '../../runtime.ts';
import type { Drawn } from '../stack/blueprint.ts';
import { filesToWrite } from '../stack/blueprint.ts';
import { redact } from '../stack/redact.ts';

interface ComposeModel {
  readonly services: Readonly<
    Record<string, { readonly environment?: Readonly<Record<string, string | null>> }>
  >;
}

/** What a service is told otherwise than the one that runs, in words without secrets; and the rendered files that change. */
export async function changedSettings(
  world: Runtime,
  drawn: Drawn,
  containers: ReadonlyMap<string, Container>,
): Promise<readonly string[]> {
  const { services } = await modelOf(world, drawn);
  const changes = [...containers.values()].flatMap(({ service, environment }) =>
    changesOf(environment, services[service]?.environment ?? {}).map((change) => `${service}: ${change}`),
  );
  const files = (await filesToWrite(world, drawn)).filter(({ path }) => path !== 'compose.yaml');
  return [...changes.map((change) => redact(change, drawn.config)), ...files.map(({ path }) => path)];
}

async function modelOf({ dir, files, compose }: Runtime, { files: rendered }: Drawn): Promise<ComposeModel> {
  const input = rendered.find(({ path }) => path === 'compose.yaml')?.content ?? '';
  const hasOwn = (await files.modeOf(join(dir, 'compose.override.yaml'))) !== undefined;
  const own = hasOwn ? ['--file', 'compose.override.yaml'] : [];
  const argv = ['--project-directory', '.', '--file', '-', ...own, 'config', '--format', 'json'];
  const { stdout } = await (await compose()).must({ argv, input });
  return JSON.parse(stdout) as ComposeModel;
}

/** An override may hold anything: what is named like a secret is shown by its name alone. */
const secretName = /PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL/;

function changesOf(
  running: readonly string[],
  wanted: Readonly<Record<string, string | null>>,
): readonly string[] {
  const now = new Map(
    running.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  return Object.entries(wanted)
    .filter(([name, value]) => value !== null && now.get(name) !== value)
    .map(([name, value]) =>
      secretName.test(name) ? `${name} changes` : `${name} ${shown(now.get(name))} → ${shown(value ?? '')}`,
    );
}

function shown(value: string | undefined): string {
  return value === undefined ? '(unset)' : value === '' ? '(empty)' : value;
}

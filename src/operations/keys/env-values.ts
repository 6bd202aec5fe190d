import { join, resolve } from 'node:path';

import type { VariableName } from '../../config/environment.ts';
import { parseEnvFile } from '../../config/env-file.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';

/** New values of variables; undefined takes one away. */
export type NewValues = ReadonlyMap<VariableName, Secret | undefined>;

const envPath = '.env';
const secretMode = 0o600;

/** The `.env` as it was before the first rotation under way; it is removed when the last one has ended. */
export const keptEnvPath = '.env.before-rotation';

type World = Pick<Runtime, 'dir' | 'files' | 'sources'>;

/**
 * Writes new values where the old ones stand: into the file that `NAME_FILE` names, else into the line of `.env`, which is
 * replaced whole. Refuses a variable that the environment gives, because services would not see the new value.
 */
export async function setValues(world: World, values: NewValues): Promise<void> {
  const { environment } = await world.sources();
  for (const name of values.keys()) refuseExported(environment, name);
  const path = join(world.dir, envPath);
  const content = (await world.files.readOwn(path)) ?? '';
  await keepCopy(world, content);
  const { values: written } = parseEnvFile(content);
  let next = content;
  for (const [name, value] of values) {
    const file = written.get(`${name}_FILE`)?.text;
    const text = value?.reveal() ?? '';
    if (file) await world.files.write(resolve(world.dir, file), `${text}\n`, secretMode);
    else
      next = withLine(next, {
        line: written.get(name)?.line,
        text: `${name}=${text}`,
        isNeeded: text !== '',
      });
  }
  if (next !== content) await world.files.update(path, next, content, secretMode);
}

/** What a variable is in `.env`, or in the file it names there, at this moment. */
export function valueNow(world: Folder, name: VariableName): Promise<string | undefined> {
  return valueIn(world, envPath, name);
}

/** What a variable was before the rotations under way; undefined where none is, or a file of its own holds it. */
export function keptValue(world: Folder, name: VariableName): Promise<string | undefined> {
  return valueIn(world, keptEnvPath, name);
}

type Folder = Pick<World, 'dir' | 'files'>;

async function valueIn(
  { dir, files }: Folder,
  path: string,
  name: VariableName,
): Promise<string | undefined> {
  const { values } = parseEnvFile((await files.readOwn(join(dir, path))) ?? '');
  const file = values.get(`${name}_FILE`)?.text;
  if (file) return (await files.readOwn(resolve(dir, file)))?.trim();
  return values.get(name)?.text;
}

interface Line {
  readonly line: number | undefined;
  readonly text: string;
  /** False where an absent line says the same. */
  readonly isNeeded: boolean;
}

/** The text with one line replaced where it stands, else put at the end. */
function withLine(content: string, { line, text, isNeeded }: Line): string {
  const lines = content.split('\n');
  if (line !== undefined) return lines.with(line - 1, text).join('\n');
  if (!isNeeded) return content;
  return `${content}${content === '' || content.endsWith('\n') ? '' : '\n'}${text}\n`;
}

function refuseExported(environment: Readonly<Record<string, string | undefined>>, name: VariableName): void {
  if (![name, `${name}_FILE`].some((one) => (environment[one] ?? '').trim() !== '')) return;
  throw new OperatorError('refused', `${name} comes from the environment, not from .env`, {
    hint: 'Unset it there and write it into .env, so that services see the new value',
    field: name,
  });
}

async function keepCopy({ dir, files }: World, content: string): Promise<void> {
  const path = join(dir, keptEnvPath);
  if ((await files.readOwn(path)) === undefined) await files.create(path, content, secretMode);
}

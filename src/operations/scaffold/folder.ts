import { join } from 'node:path';

import { type EnvFile, parseEnvFile } from '../../config/env-file.ts';
import { configInvalid } from '../../config/load.ts';
import type { Runtime } from '../../runtime.ts';

export const envPath = '.env';
export const privateKeyPath = 'secrets/postal-signing.key';
export const publicKeyPath = 'secrets/postal-signing.pub';

/** What may be read by nobody but its owner. */
export const secretMode = 0o600;

/** One file of the folder as it is. */
export interface Present {
  readonly content: string;
  readonly mode: number;
}

/** What is in the operator's folder already. */
export interface Folder {
  readonly env: (Present & { readonly file: EnvFile }) | undefined;
  readonly signingKey: Present | undefined;
  readonly publicKey: Present | undefined;
  readonly missingFolders: readonly string[];
}

const folders = ['.', 'secrets', 'state', 'backups'];

type Look = Pick<Runtime, 'dir' | 'files'>;

/** Looks at the folder; a `.env` that does not parse is refused with its lines, and left as it is. */
export async function lookAtFolder(world: Look): Promise<Folder> {
  const env = await lookAt(world, envPath);
  return {
    env: env && { ...env, file: parsed(env.content) },
    signingKey: await lookAt(world, privateKeyPath),
    publicKey: await lookAt(world, publicKeyPath),
    missingFolders: await missing(world),
  };
}

async function lookAt({ dir, files }: Look, path: string): Promise<Present | undefined> {
  const content = await files.readOwn(join(dir, path));
  const mode = await files.modeOf(join(dir, path));
  return content === undefined || mode === undefined ? undefined : { content, mode };
}

function parsed(content: string): EnvFile {
  const file = parseEnvFile(content);
  if (file.problems.length === 0) return file;
  throw configInvalid(
    file.problems.map((problem) => ({ ...problem, name: problem.name ?? envPath })),
    { file },
  );
}

async function missing({ dir, files }: Look): Promise<readonly string[]> {
  const present = await Promise.all(folders.map((path) => files.isFolder(join(dir, path))));
  return folders.filter((_, index) => !present[index]);
}

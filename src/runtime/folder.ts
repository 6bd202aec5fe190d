import { join, resolve } from 'node:path';

import { type ActHistory, openActHistory } from '../adapters/act-history.ts';
import type { Errand } from '../adapters/directory-owner.ts';
import { type Files, openFiles, readValueFile } from '../adapters/files.ts';
import type { OperatorLock } from '../adapters/operator-lock.ts';
import type { ConfigOf } from '../config/environment.ts';
import type { Live } from '../config/live.ts';
import type { Sources } from '../config/resolve.ts';
import type { Room } from '../config/variable.ts';
import { once } from './once.ts';

/** The operator's folder: what is configured in it, and the right to act in it. */
export interface Folder {
  /** Where it is. */
  readonly dir: string;
  readonly files: Files;
  /** What was done in this folder. */
  readonly history: ActHistory;
  /** The right to act in this folder, for one act at a time; undefined where there is no `state/` yet. Throws `locked`. */
  lock(errand: Errand): Promise<OperatorLock | undefined>;
  /** Where configuration comes from: the environment and the folder's `.env`. */
  sources(): Promise<Sources>;
  /** Has `.env` and the files that it names read anew from now on, after an act changed them. */
  forgetSources(): void;
  config<R extends Room>(room: R): Promise<ConfigOf<R>>;
  /** The configuration of a service, which reads the sources again when told to. */
  live<R extends Room>(room: R): Promise<Live<R>>;
}

/** Which folder, read with which environment and as whom. */
export interface FolderOptions {
  readonly dir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number | undefined;
}

/** The folder as it is on disk; its `.env` is read when something of it is first asked for. */
export function openFolder({ dir, environment, uid }: FolderOptions): Folder {
  const files = openFiles(uid);
  const readAnew = () => readSources(dir, environment, files);
  let read = once(readAnew);
  const sources = () => read();
  return {
    dir,
    files,
    history: openActHistory(join(dir, 'state/history')),
    lock: async (errand) =>
      (await files.isFolder(join(dir, 'state'))) ? lockFolder(dir, errand, await sources()) : undefined,
    sources,
    forgetSources: () => {
      read = once(readAnew);
    },
    config: async (room) => (await import('../config/load.ts')).loadConfig(room, await sources()),
    live: async (room) => (await import('../config/live.ts')).liveConfig(room, readAnew),
  };
}

async function readSources(
  dir: string,
  environment: FolderOptions['environment'],
  files: Files,
): Promise<Sources> {
  const { parseEnvFile } = await import('../config/env-file.ts');
  const content = await files.readOwn(join(dir, '.env'));
  return {
    environment,
    file: content === undefined ? undefined : parseEnvFile(content),
    readFile: (path) => readValueFile(resolve(dir, path)),
  };
}

async function lockFolder(dir: string, errand: Errand, sources: Sources): Promise<OperatorLock> {
  const silenceMs = (await import('../config/load.ts')).readOr('OPERATOR_LOCK_SILENCE', sources);
  return (await import('../adapters/operator-lock.ts')).takeLock(join(dir, 'state/lock'), errand, silenceMs);
}

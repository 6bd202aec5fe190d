import type * as age from '../adapters/age.ts';
import type { Archive } from '../adapters/archive.ts';
import type { Certificate } from '../adapters/certificate.ts';
import { type Clock, systemClock } from '../adapters/clock.ts';
import type { OwnDirectory } from '../adapters/directory-owner.ts';
import type { Disk } from '../adapters/disk.ts';
import type { ExecOptions, Finished } from '../adapters/exec.ts';
import { type Host, thisHost } from '../adapters/host.ts';
import type { openLog } from '../adapters/log.ts';
import type { Programs } from '../adapters/programs.ts';
import { type Random, systemRandom } from '../adapters/random.ts';
import { makeRsaKey, type RsaKey } from '../adapters/rsa.ts';
import type { Folder } from './folder.ts';
import { once } from './once.ts';

/** What this host and this program can do, whatever is configured. */
export interface Tools {
  readonly clock: Clock;
  readonly random: Random;
  readonly host: Host;
  /** The disk that holds the relay's journal. */
  disk(): Promise<Disk>;
  /** The folder of sets. */
  archive(): Promise<Archive>;
  /** What seals and opens sets. */
  age(): Promise<typeof age>;
  /** What starts programs whose octets are streamed. */
  programs(): Promise<Programs>;
  /** What takes a folder for this process alone. */
  ownDirectory(): Promise<OwnDirectory>;
  /** What opens the logs of services that run in this process. */
  logs(): Promise<typeof openLog>;
  /** This very program, to be run once more. */
  program(): Promise<OwnProgram>;
  makeRsaKey(bits: number): Promise<RsaKey>;
  /** A self-signed certificate for these names, valid for so many days. */
  makeCertificate(names: readonly string[], validDays: number): Promise<Certificate>;
  /** The text that an operator passes to a command: a file of the current folder, or `-` for stdin. */
  readInput(path: string): Promise<string>;
}

/** How this program was started, how it is run with other words, and how a folder is taken for one process alone. */
export interface OwnProgram {
  readonly words: readonly string[];
  run(words: readonly string[], options: ExecOptions): Promise<Finished>;
  readonly own: OwnDirectory;
}

/** Loads each tool when it is first asked for. */
export function openTools({ config }: Pick<Folder, 'config'>): Tools {
  return {
    clock: systemClock,
    random: systemRandom,
    host: thisHost,
    disk: once(async () => (await import('../adapters/disk.ts')).systemDisk),
    archive: once(async () => (await import('../adapters/archive.ts')).systemArchive),
    age: once(() => import('../adapters/age.ts')),
    programs: once(async () => {
      const { openPrograms } = await import('../adapters/programs.ts');
      return openPrograms((await config('operator')).BACKUP_END_TIMEOUT);
    }),
    ownDirectory: once(async () => (await import('../adapters/directory-owner.ts')).ownDirectory),
    logs: once(async () => (await import('../adapters/log.ts')).openLog),
    program: once(openProgram),
    makeRsaKey,
    makeCertificate: async (names, validDays) => {
      const { makeSelfSignedCertificate } = await import('../adapters/certificate.ts');
      return makeSelfSignedCertificate(names, systemClock.now(), validDays);
    },
    readInput: async (path) => (await import('../adapters/input.ts')).readInput(path),
  };
}

async function openProgram(): Promise<OwnProgram> {
  const { ownProgram, runOwnProgram } = await import('../adapters/own-program.ts');
  const { ownDirectory } = await import('../adapters/directory-owner.ts');
  return { words: ownProgram(), run: runOwnProgram, own: ownDirectory };
}

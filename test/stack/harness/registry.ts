import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exec } from '../../../src/adapters/exec.ts';
import { freePort } from '../../../src/adapters/free-port.ts';
import { awaitWords, engineFolder, startLeashed } from '../../engines/leash.ts';
import { findProgram } from '../../engines/programs.ts';

const program = { program: 'docker-registry', debianPackage: 'docker-registry', folder: 'usr/bin' } as const;
const timeoutMs = 300_000;

/** A registry of images on this host, Debian's own; the engine takes one on loopback without TLS. */
export interface Registry extends AsyncDisposable {
  /** The name of a repository there, with its tag. */
  nameOf(repository: string): string;
  /** Puts an image of this host under a name there, from where it has to be pulled again: this host forgets the name. */
  push(image: string, name: string): Promise<void>;
  /** Moves a name there to an image that differs from another by a label only; this host knows it too. */
  move(base: string, label: string, name: string): Promise<void>;
}

/** Starts an empty one. */
export async function startRegistry(): Promise<Registry> {
  const port = await freePort();
  const folder = await engineFolder('registry');
  const settings = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'images') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(settings));
  const { path, libraries } = await findProgram(program);
  const running = startLeashed(folder, [path, 'serve', join(folder, 'config.yml')], libraries);
  await awaitWords(running, 'listening on');
  const pushed = new Set<string>();
  const push = async (image: string, name: string) => {
    pushed.add(repositoryOf(name));
    await docker(['tag', image, name]);
    await docker(['push', '--quiet', name]);
  };
  return {
    nameOf: (repository) => `127.0.0.1:${port}/${repository}`,
    push: async (image, name) => {
      await push(image, name);
      await forget(repositoryOf(name));
    },
    move: async (base, label, name) => {
      await docker(['build', '--tag', name, '-'], `FROM ${base}\nLABEL ${label}\n`);
      await push(name, name);
    },
    [Symbol.asyncDispose]: async () => {
      for (const repository of pushed) await forget(repository);
      await running.stop();
    },
  };
}

function repositoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf(':'));
}

/** By tag and by digest: what a name means is to be asked of the registry. */
async function forget(repository: string): Promise<void> {
  const format = '{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}';
  const listed = await docker(['images', '--digests', '--format', format, repository]);
  const names = listed.split(/\s+/).filter((name) => name !== '' && !name.includes('<none>'));
  // With the last tag the engine forgets the digest too.
  for (const name of names)
    await exec(['docker', 'image', 'rm', '--force', '--no-prune', name], { timeoutMs });
}

async function docker(words: readonly string[], input = ''): Promise<string> {
  const { exit, stdout, stderr } = await exec(['docker', ...words], { timeoutMs, input });
  if (exit !== 0) throw new Error(`docker ${words.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

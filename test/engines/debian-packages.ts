import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { type Argv, exec } from '../../src/adapters/exec.ts';

/** Where unpacked packages are kept: `$XDG_CACHE_HOME/mailctl` or `~/.cache/mailctl`. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mailctl');
}

/** A package, and the path in it without which it is no use here. */
export interface Wanted {
  readonly name: string;
  readonly brings: string;
}

/**
 * Unpacks a Debian package, with what it needs and this machine lacks, below `cache` and returns the folder that holds their
 * `usr`. Nothing is installed, no root is needed, and a second call finds it without network. Fails saying what apt said.
 */
export async function unpackDebian({ name, brings }: Wanted, cache: string): Promise<string> {
  const shelf = join(cache, 'debian', await release());
  const place = join(shelf, name);
  if (await exists(place)) return place;
  await mkdir(shelf, { recursive: true });
  const bench = await mkdtemp(join(shelf, '.unpacking-'));
  try {
    await fetchArchives(name, bench);
    const archives = await unpackArchives(bench);
    if (!(await exists(join(bench, 'root', brings))))
      throw new Error(`Debian's ${name} brought no ${brings}, only ${archives.join(' ')}`);
    await rename(join(bench, 'root'), place).catch(async (error: unknown) => {
      if (!(await exists(place))) throw error;
    });
    return place;
  } finally {
    await rm(bench, { recursive: true, force: true });
  }
}

/** Folders of shared libraries in an unpacked tree, relative to it, for LD_LIBRARY_PATH. */
export async function libraryFolders(root: string): Promise<readonly string[]> {
  const inside = await readdir(join(root, 'usr/lib'), { withFileTypes: true }).catch(() => []);
  const perMachine = inside.filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'));
  return perMachine.map((entry) => `usr/lib/${entry.name}`);
}

async function release(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const word = (name: string) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${word('ID')}-${word('VERSION_ID')}-${process.arch}`;
}

async function fetchArchives(name: string, bench: string): Promise<void> {
  const folders = ['lists/partial', 'archives/partial', 'log'];
  await Promise.all(folders.map((folder) => mkdir(join(bench, folder), { recursive: true })));
  const settings = {
    'Debug::NoLocking': '1',
    'Dir::State::lists': join(bench, 'lists'),
    'Dir::Cache::archives': join(bench, 'archives'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Log': join(bench, 'log'),
    'APT::Sandbox::User': '',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const { complaint } = await run(['apt-get', '-qq', ...flags, 'update']);
  const fetching = ['--yes', '--no-install-recommends', '--reinstall', '--download-only', 'install'];
  const fetched = await run(['apt-get', '-qq', ...flags, ...fetching, name]);
  if (!fetched.done) throw new Error([fetched.complaint, complaint].filter(Boolean).join(', because '));
}

async function unpackArchives(bench: string): Promise<readonly string[]> {
  const archives = join(bench, 'archives');
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  for (const name of names) {
    const { done, complaint } = await run(['dpkg-deb', '-x', join(archives, name), join(bench, 'root')]);
    if (!done) throw new Error(complaint);
  }
  return names;
}

/** What apt and dpkg fail with stands in their last line; a mirror that cannot be reached is only a warning to `update`. */
async function run(argv: Argv): Promise<{ readonly done: boolean; readonly complaint: string }> {
  const { exit, stderr } = await exec(argv, {
    timeoutMs: 300_000,
    environment: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
  return { done: exit === 0, complaint: stderr.trim().split('\n').at(-1) ?? '' };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

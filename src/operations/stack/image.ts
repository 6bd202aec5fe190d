import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ConfigOf } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';

/** What our image is built from: files of the installed package, and the packages it needs to run. */
export interface PackageContent {
  /** The folder of the installed package. */
  readonly root: string;
  /** Paths below it that go into the image. */
  readonly paths: readonly string[];
  readonly version: string;
  /** Names the content: other content, other name. */
  readonly digest: string;
}

/** The installed package that this program runs from. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const own = ['bin', 'dist', 'src/store/migrations', 'templates', 'package.json'];

/** The name of our image: the one that is configured, or one that names what it is built from. */
export async function ownImage(
  config: ConfigOf<'operator'>,
): Promise<{ name: string; content?: PackageContent }> {
  if (config.MAILCTL_IMAGE !== undefined) return { name: config.MAILCTL_IMAGE };
  const content = await contentOn(config.NODE_IMAGE);
  return { name: `${config.STACK_NAME}-own:${content.digest.slice(0, 16)}`, content };
}

/** Read once by each process: what an act begins with it ends with, also where npm replaces the package meanwhile. */
const contents = new Map<string, Promise<PackageContent>>();

async function contentOn(base: string): Promise<PackageContent> {
  const known = contents.get(base) ?? packageContent(base);
  contents.set(base, known);
  return known;
}

async function packageContent(base: string): Promise<PackageContent> {
  const packages = await packagesToRun();
  const hash = createHash('sha256').update(base);
  for (const { path, version } of packages) hash.update(`${path}@${version}\n`);
  for (const path of await filesOf(own)) hash.update(path).update(await readFile(join(root, path)));
  const { version = '' } = await manifestOf('');
  const paths = [...own, ...packages.map(({ path }) => path)];
  return { root, paths, version, digest: hash.digest('hex') };
}

async function filesOf(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const below = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(
        () => undefined,
      );
      if (!below) return [path];
      return below.filter((one) => one.isFile()).map((one) => relative(root, join(one.parentPath, one.name)));
    }),
  );
  return found.flat().toSorted();
}

interface PackageToRun {
  /** Below the root: `node_modules/…`, as deep as npm put it. */
  readonly path: string;
  readonly version: string;
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The packages that run in production, found as Node finds them; optional ones are left out: a container has a PostgreSQL. */
async function packagesToRun(): Promise<readonly PackageToRun[]> {
  const found = new Map<string, PackageToRun>();
  const waiting: string[] = [''];
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    const { dependencies = {} } = await manifestOf(from);
    for (const name of Object.keys(dependencies)) {
      const path = await placeOf(name, from);
      if (path === undefined || found.has(path)) continue;
      found.set(path, { path, version: (await manifestOf(path)).version ?? '' });
      waiting.push(path);
    }
  }
  if (found.size === 0) throw notInstalled();
  return [...found.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

async function manifestOf(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, path, 'package.json'), 'utf8')) as Manifest;
}

async function placeOf(name: string, from: string): Promise<string | undefined> {
  for (let above = from; ; above = above.slice(0, Math.max(0, above.lastIndexOf('/node_modules/')))) {
    const path = join(above, 'node_modules', name);
    if (await manifestOf(path).catch(() => undefined)) return path;
    if (above === '') return undefined;
  }
}

function notInstalled(): OperatorError {
  return new OperatorError(
    'unreachable',
    'the packages of mailctl are not beside it, so no image can be built from it',
    {
      hint: 'Install it with npm, or name a ready image: MAILCTL_IMAGE',
    },
  );
}

/** The `.dockerignore` that lets only the content in: no package for development, no file of the operator. */
export function ignoreAllBut(paths: readonly string[]): string {
  const nested = paths
    .filter((path) => path.startsWith('node_modules/'))
    .map((path) => `${path}/node_modules`);
  return [
    '*',
    ...paths.map((path) => `!${path}`),
    ...nested,
    ...paths.filter((path) => path.split('/node_modules/').length > 1).map((path) => `!${path}`),
    '',
  ].join('\n');
}

import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import typescript from 'typescript';

import { exec } from '../../../src/adapters/exec.ts';
import { buildImage } from '../../../src/adapters/image-builder.ts';
import { ignoreAllBut, ownImage } from '../../../src/operations/stack/image.ts';

const { ModuleKind, ScriptTarget, transpileModule } = typescript;
const folder = new URL('../images/', import.meta.url).pathname;
const timeoutMs = 600_000;

/** The images that stand in for the official ones, by the variables that name them. */
export const imageVariables = {
  POSTGRES_IMAGE: imageOf('postgres'),
  REDIS_IMAGE: imageOf('redis'),
  MARIADB_IMAGE: imageOf('mariadb'),
  POSTAL_IMAGE: imageOf('postal'),
  NGINX_IMAGE: imageOf('nginx'),
  CERTBOT_IMAGE: imageOf('certbot'),
  NODE_IMAGE: imageOf('node'),
} as const;

/** The name under which an image of these tests is built. */
export function imageOf(name: string): string {
  return `mailctl-test/${name}:trixie`;
}

/** Builds every image from Debian's packages, two at a time; BuildKit keeps what did not change. */
export async function buildImages(): Promise<void> {
  await buildBase();
  for (const pair of [
    ['postgres', 'mariadb'],
    ['redis', 'nginx'],
    ['certbot', 'pebble'],
  ])
    await Promise.all(pair.map((name) => build(name, join(folder, name), '')));
  await buildNode();
  await buildPostal();
}

async function buildBase(): Promise<void> {
  const base = imageOf('base');
  const found = await exec(['docker', 'image', 'inspect', base], { timeoutMs });
  if (found.exit === 0) return;
  const script = `set -o pipefail; mmdebstrap --variant=minbase trixie - | docker import - ${base}`;
  const { exit, stderr } = await exec(['bash', '-c', script], { timeoutMs });
  if (exit !== 0) throw new Error(`the base image could not be built: ${stderr.slice(-2000)}`);
}

async function build(
  name: string,
  context: string,
  ignore: string,
  given: Readonly<Record<string, string>> = {},
): Promise<void> {
  const dockerfile = readFileSync(join(folder, name, 'Dockerfile'), 'utf8');
  const before = await idOf(imageOf(name));
  await buildImage({ name: imageOf(name), context, dockerfile, ignore, arguments: given, timeoutMs });
  // What had the name before would stay without one.
  if (before !== '' && before !== (await idOf(imageOf(name))))
    await exec(['docker', 'image', 'rm', before], { timeoutMs });
}

async function idOf(image: string): Promise<string> {
  const { stdout } = await exec(['docker', 'image', 'inspect', '--format', '{{.Id}}', image], { timeoutMs });
  return stdout.trim();
}

/** With the Node that runs the tests, as npm has no way into a build here. */
async function buildNode(): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'mailctl-node-'));
  try {
    copyFileSync(realpathSync(process.execPath), join(context, 'node'));
    await build('node', context, '');
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

async function buildPostal(): Promise<void> {
  const { content } = await ownImage({
    STACK_NAME: 'postal',
    NODE_IMAGE: '',
    MAILCTL_IMAGE: undefined,
  } as never);
  if (!content) throw new TypeError('the stand-in is built from the package');
  const schemas = ['test/engines/postal-main.sql', 'test/engines/postal-messages.sql'];
  const paths = [...content.paths, 'test/stack/images/postal', ...schemas];
  await build('postal', content.root, ignoreAllBut(paths), { LEDGER: compiledLedger() });
}

/** The writer of Postal's rows as a module inside the image, in base64. */
function compiledLedger(): string {
  const source = readFileSync(new URL('../../engines/postal-ledger.ts', import.meta.url), 'utf8');
  const target = { target: ScriptTarget.ES2022, module: ModuleKind.ESNext };
  const { outputText } = transpileModule(source, { compilerOptions: target });
  const inside = outputText.replace(/'\.\.\/\.\.\/src\/(.*)\.ts'/g, "'/opt/mailctl/dist/$1.js'");
  return Buffer.from(inside).toString('base64');
}

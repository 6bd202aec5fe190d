import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDocker } from '../../src/adapters/docker.ts';
import { imageOf } from './harness/images.ts';
import { type Registry, startRegistry } from './harness/registry.ts';
import { type Envelope, type SpoiltStack, spoiltStack } from './harness/stack.ts';

const longMs = 600_000;

let stack: SpoiltStack;
let registry: Registry;
let name: string;

/** Every image of the configuration is the one in the registry: nothing else is asked for. */
function configure(image: string): void {
  const variables = ['POSTGRES', 'REDIS', 'MARIADB', 'POSTAL', 'NGINX'];
  stack.spoil(Object.fromEntries(variables.map((variable) => [`${variable}_IMAGE`, image])));
}

async function up(...flags: readonly string[]): Promise<Envelope> {
  return stack.json('up', 'redis', '--only', '--yes', ...flags);
}

async function runs(): Promise<string> {
  const format = '{{.Config.Image}}';
  return (await stack.docker('inspect', '--format', format, `${stack.name}-redis-1`)).stdout.trim();
}

function lockFile(): { readonly images?: Readonly<Record<string, string>> } {
  const path = join(stack.dir, 'mailctl.lock.json');
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as { images: Record<string, string> })
    : {};
}

function stepsOf({ data }: Envelope): readonly string[] {
  const plan = data?.['plan'] as { readonly steps: readonly { readonly what: string }[] } | undefined;
  return plan?.steps.map(({ what }) => what) ?? ['no plan'];
}

beforeAll(async () => {
  stack = await spoiltStack();
  await stack.mailctl('down', '--volumes', '--confirm', stack.name, '--yes');
  registry = await startRegistry();
  name = registry.nameOf('redis:8');
  await registry.push(imageOf('redis'), name);
}, longMs);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
}, longMs);

describe('an image of a registry', () => {
  let first: string;

  it('is shown by a dry run of up, which pulls and writes nothing', { timeout: longMs }, async () => {
    configure(name);
    const shown = await stack.json('up', 'redis', '--only', '--dry-run');
    expect(shown).toMatchObject({ ok: true, data: { applied: false } });
    expect(stepsOf(shown)).toContain(`pull ${name}`);
    expect(lockFile()).toEqual({});
    expect(existsSync(join(stack.dir, 'compose.yaml'))).toBe(false);
    expect((await stack.docker('image', 'inspect', name)).exit).toBe(1);
  });

  it('is pulled by the first up, and the digest is written down and run', { timeout: longMs }, async () => {
    const outdated = `${stack.name}-own:0123456789abcdef`;
    await stack.docker('tag', imageOf('base'), outdated);
    expect((await up()).error).toBeUndefined();
    expect((await stack.docker('image', 'inspect', outdated)).exit, 'an earlier mailctl is removed').toBe(1);
    first = lockFile().images?.[name] ?? '';
    expect(first).toMatch(/^127\.0\.0\.1:\d+\/redis@sha256:[0-9a-f]{64}$/);
    expect(await runs()).toBe(first);
  });

  it(
    'stays the one of the first pull when its tag moves: for another up, for --pull, and where the engine lost it',
    { timeout: longMs },
    async () => {
      await registry.move(imageOf('redis'), 'release=next', name);
      expect(stepsOf(await up())).toEqual([]);
      const pulled = await up('--pull');
      expect(pulled.error).toBeUndefined();
      expect(stepsOf(pulled)).toContain(`pull ${name}`);
      await stack.mailctl('down', '--yes');
      await stack.docker('image', 'rm', '--force', first);
      expect(stepsOf(await up())).toContain(`pull ${name}`);
      expect(lockFile().images).toEqual({ [name]: first });
      expect(await runs()).toBe(first);
    },
  );

  it(
    'whose name has no tag is the latest one, and no other is pulled with it',
    { timeout: longMs },
    async () => {
      const bare = registry.nameOf('several');
      await registry.push(imageOf('redis'), `${bare}:other`);
      await registry.push(imageOf('redis'), `${bare}:latest`);
      const docker = openDocker(stack.name, { answerMs: 30_000, pullMs: 120_000 });
      await docker.pull(bare);
      expect(await docker.namesIn(bare)).toEqual([`${bare}:latest`]);
    },
  );

  it(
    'that is not there is named with where to look, and what runs goes on',
    { timeout: longMs },
    async () => {
      const absent = registry.nameOf('redis:nowhere');
      configure(absent);
      expect((await up()).error).toMatchObject({
        exit: 13,
        message: `the image ${absent} is not on this host and cannot be pulled`,
        hint: expect.stringContaining('docker load -i FILE'),
      });
      expect(await runs()).toBe(first);
      expect(lockFile().images).toEqual({ [name]: first });
    },
  );
});

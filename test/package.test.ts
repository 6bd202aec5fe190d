import { readFileSync, statSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const manifest = parsed(
  'package.json',
  z.object({
    bin: z.record(z.string(), z.string()),
    engines: z.object({ node: z.string() }),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
    optionalDependencies: z.record(z.string(), z.string()),
    allowScripts: z.record(z.string(), z.boolean()),
    scripts: z.record(z.string(), z.string()),
  }),
);

const locked = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
const lock = parsed('package-lock.json', z.object({ packages: z.record(z.string(), locked) })).packages;

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}

function parsed<T>(path: string, shape: z.ZodType<T>): T {
  return shape.parse(JSON.parse(read(path)));
}

/** The packages with an install script that nobody decided about. */
function undecided(packages: typeof lock, decisions: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(packages)
    .filter(([, entry]) => entry.hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    .filter((name) => decisions[name] !== false);
}

/** What packages want and the lock does not have; npm 11 refuses such a lock. */
function unlocked(packages: typeof lock): string[] {
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies })
      .filter((name) => !places(path, name).some((place) => place in packages))
      .map((name) => `${path || 'package.json'} → ${name}`),
  );
}

/** Where Node looks for a package from a place, nearest first. */
function places(from: string, name: string): string[] {
  const above = from
    .split('/node_modules/')
    .map((_, depth, parts) => parts.slice(0, depth + 1).join('/node_modules/'));
  return [
    ...above
      .filter(Boolean)
      .toReversed()
      .map((place) => `${place}/node_modules/${name}`),
    `node_modules/${name}`,
  ];
}

describe('the package', () => {
  it('gives the command mailctl, on Node 20.19 and later', () => {
    expect(manifest.bin).toEqual({ mailctl: 'bin/mailctl.js' });
    expect(manifest.engines.node).toBe('>=20.19');
  });

  it('lets no dependency run a script when it is installed', () => {
    expect(undecided(lock, manifest.allowScripts)).toEqual([]);
    expect(Object.values(manifest.allowScripts)).not.toContain(true);
  });

  it('would see a new dependency that brings an install script', () => {
    const newcomer = { ...lock, 'node_modules/a/node_modules/@b/c': { hasInstallScript: true } };
    expect(undecided(newcomer, manifest.allowScripts)).toEqual(['@b/c']);
  });
});

describe('the lock', () => {
  it('wants what package.json wants', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    expect(lock['']).toMatchObject({ dependencies, devDependencies, optionalDependencies });
  });

  it('names every package that a package wants, on every platform', () => {
    expect(unlocked(lock)).toEqual([]);
  });

  it('would be found out if it lacked one', () => {
    const wanting = {
      ...lock,
      'node_modules/a': { optionalDependencies: { 'a-for-another-platform': '1.0.0' } },
    };
    expect(unlocked(wanting)).toEqual(['node_modules/a → a-for-another-platform']);
  });

  it('ties nobody to a registry', () => {
    expect(
      Object.values(lock)
        .map((entry) => entry.resolved)
        .filter(Boolean),
    ).toEqual([]);
  });
});

describe('continuous integration', () => {
  const workflow = read('.github/workflows/ci.yml');

  it('runs the same script as everyone, on the oldest Node there may be and on a newer one', () => {
    expect(workflow).toContain('- run: .ci/run\n');
    expect(workflow).toContain("node: ['20.19', '22']");
    expect(statSync(new URL('../.ci/run', import.meta.url)).mode & 0o111).not.toBe(0);
  });

  it('uses actions by their commit, and names the version', () => {
    const uses = workflow.split('\n').filter((line) => /\buses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may read the repository and nothing else, and cannot run on for ever', () => {
    expect(workflow).toMatch(/^permissions:\n {2}contents: read\n\n/m);
    expect(workflow).not.toMatch(/pull_request_target|: write/);
    expect(workflow).toMatch(/timeout-minutes: \d+/);
  });

  it.each(['test:fuzz', 'test:faults', 'test:chaos', 'test:stack', 'bench'])('runs %s', (kind) => {
    expect(manifest.scripts).toHaveProperty([kind]);
    expect(read('.ci/run')).toContain(`suite ${kind} test/${kind.replace('test:', '')}`);
  });
});

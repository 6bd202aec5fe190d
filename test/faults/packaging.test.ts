import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mailctl-packaging-'));
const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, argv: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Ended {
  const { status, stdout, stderr } = spawnSync(program, argv, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...clean, ...env },
    input: '',
  });
  return { exit: status, stdout, stderr };
}

/** The environment of a person who has nothing to do with this repository, but reaches the registry as this machine does. */
const ours =
  /^(npm_(?!config_(registry|cafile|proxy|https_proxy|noproxy)$)|NODE_(?!EXTRA_CA_CERTS$)|VITEST|MAILCTL_)/i;
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));

function passed(ended: Ended): Ended {
  if (ended.exit !== 0) throw new Error(`exit ${ended.exit}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

async function clone(name: string): Promise<string> {
  const folder = join(scratch, name);
  await cp(root, folder, {
    recursive: true,
    filter: (path) => !/^(node_modules|dist|coverage|\.git|\.cache)(\/|$)/.test(relative(root, path)),
  });
  return folder;
}

describe('the packed program, installed without its development dependencies', () => {
  const prefix = join(scratch, 'prefix');
  const mailctl = join(prefix, 'bin/mailctl');

  beforeAll(() => {
    const packed = passed(run('npm', ['pack', '--pack-destination', scratch, '--json', ...quiet], root));
    const tarball = join(scratch, String(/"filename": "([^"]+)"/.exec(packed.stdout)?.[1]));
    passed(
      run('npm', ['install', '--global', '--prefix', prefix, '--ignore-scripts', ...quiet, tarball], scratch),
    );
  });

  it('has neither sources nor tests nor the compiler', () => {
    const home = join(prefix, 'lib/node_modules/mailctl');
    const left = ['test', '.ci', '.github', 'src/cli', 'node_modules/typescript', 'node_modules/vitest'];
    expect(left.filter((path) => existsSync(join(home, path)))).toEqual([]);
    expect(existsSync(join(home, 'src/store/migrations/0001_foundation.sql'))).toBe(true);
  });

  it('tells its version and its commands from any folder', () => {
    expect(passed(run(mailctl, ['--version'], scratch)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(passed(run(mailctl, ['--help'], scratch)).stdout).toContain('mailctl');
  });

  it('has written down the help that it would print', () => {
    const program = join(prefix, 'lib/node_modules/mailctl/dist/cli/main.js');
    const { stdout } = passed(run(process.execPath, [program, '--help'], scratch));
    expect(passed(run(mailctl, ['--help'], scratch)).stdout).toBe(stdout);
    expect(passed(run(mailctl, [], scratch)).stdout).toBe(stdout);
  });

  it('explains a variable', () => {
    expect(passed(run(mailctl, ['config', 'explain', 'API_RATE_LIMIT'], scratch)).stdout).toContain(
      'API_RATE_LIMIT',
    );
  });

  it('writes an operator folder elsewhere', () => {
    const folder = join(scratch, 'operator');
    const flags = ['--domain', 'example.com', '--admin-email', 'ops@example.com', '--no-input'];
    passed(run(mailctl, ['-C', folder, 'init', ...flags], scratch));
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
  });

  it('runs the whole platform, and proves it end to end', () => {
    const { stdout } = passed(run(mailctl, ['e2e', '--sandbox', '--json', '--quiet'], scratch));
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, data: { failed: 0, first_broken_hop: null } });
  });
});

describe('a clone', () => {
  it('says what to do when it was installed without the compiler', async () => {
    const folder = await clone('production');
    const install = run('npm', ['ci', ...quiet], folder, { NODE_ENV: 'production' });
    expect(install.exit).not.toBe(0);
    expect(install.stdout + install.stderr).toContain('Build with: npm ci --include=dev');

    const start = run(process.execPath, ['bin/mailctl.js', '--version'], folder);
    expect(start).toMatchObject({ exit: 1, stdout: '' });
    expect(start.stderr).toContain('npm ci --include=dev');
  });

  it('keeps a build that was there when the compiler is not', async () => {
    const folder = await clone('prebuilt');
    await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
    const { stderr } = passed(run(process.execPath, ['.ci/build.mjs'], folder));
    expect(stderr).toContain('dist/ stays as it was built before');
    expect(existsSync(join(folder, 'dist/cli/main.js'))).toBe(true);
  });

  it('builds again only what changed, and drops only what has no source any more', async () => {
    const folder = await clone('rebuilt');
    await cp(join(root, 'node_modules/typescript'), join(folder, 'node_modules/typescript'), {
      recursive: true,
    });
    const build = () => run(process.execPath, ['.ci/build.mjs'], folder);
    const [kept, gone] = [join(folder, 'dist/domain/secret.js'), join(folder, 'dist/domain/gone.js')];
    await smallProject(folder);

    passed(build());
    utimesSync(kept, 1, 1);
    writeFileSync(gone, '');
    passed(build());

    expect(statSync(kept).mtimeMs).toBe(1000);
    expect(existsSync(gone)).toBe(false);
  });
});

/** Leaves of the sources what compiles without any dependency, so that the build takes a moment. */
async function smallProject(folder: string): Promise<void> {
  rmSync(join(folder, 'src'), { recursive: true });
  await cp(join(root, 'src/domain/secret.ts'), join(folder, 'src/domain/secret.ts'));
  mkdirSync(join(folder, 'src/cli'));
  writeFileSync(join(folder, 'src/cli/main.ts'), 'export {};\n');
  const options = {
    target: 'ES2023',
    rootDir: 'src',
    outDir: 'dist',
    incremental: true,
    tsBuildInfoFile: 'dist/.tsbuildinfo',
    types: [],
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['src'] }),
  );
}

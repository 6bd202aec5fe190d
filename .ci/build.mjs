import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Runs on `npm ci` and `npm pack` in a clone. What is there stays until the new build stands; then goes what has no source any more.
const root = fileURLToPath(new URL('../', import.meta.url));
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const dist = join(root, 'dist');

if (existsSync(compiler)) {
  process.exitCode = build();
} else if (existsSync(join(dist, 'cli/main.js'))) {
  process.stderr.write('mailctl: without the TypeScript compiler dist/ stays as it was built before.\n');
} else {
  process.stderr.write(
    'mailctl: the TypeScript compiler is missing, so dist/ was not built (NODE_ENV=production leaves it out).\n' +
      'Build with: npm ci --include=dev\n',
  );
  process.exitCode = 1;
}

function build() {
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.json')], {
    stdio: 'inherit',
  });
  if (status !== 0) return status ?? 1;
  sweep();
  return writeHelp();
}

/** `mailctl --help` is printed from a file, which takes half the time of starting the program for it. */
function writeHelp() {
  const { status, stdout } = spawnSync(process.execPath, [join(dist, 'cli/main.js'), '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '80' },
  });
  if (status === 0) writeFileSync(join(dist, 'cli/help.txt'), stdout);
  return status ?? 1;
}

function sweep() {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const source = join(root, 'src', name.replace(/\.js$/, '.ts'));
    if (name.endsWith('.js') && !existsSync(source)) rmSync(join(dist, name));
  }
}

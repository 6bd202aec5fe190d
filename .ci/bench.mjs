import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// npm run bench [-- --toy] [NAME…]: every benchmark one after another; --toy only proves that they run.
const root = fileURLToPath(new URL('../', import.meta.url));
const names = process.argv.slice(2).filter((word) => word !== '--toy');
const size = process.argv.includes('--toy') ? 'toy' : 'full';
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  'test/vitest.config.ts',
  '--project',
  'bench',
];

const { status } = spawnSync(
  process.execPath,
  [...vitest, '--disable-console-intercept', '--no-file-parallelism', ...names],
  { cwd: root, stdio: 'inherit', env: { ...process.env, BENCH_SIZE: size } },
);
process.exitCode = status ?? 1;

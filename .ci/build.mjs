import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// Runs on `npm ci` and `npm pack` in a clone. The build is incremental and never deletes what is there first.
const compiler = new URL('../node_modules/typescript/bin/tsc', import.meta.url).pathname;
const project = new URL('../tsconfig.json', import.meta.url).pathname;

if (existsSync(compiler)) {
  process.exitCode = spawnSync(process.execPath, [compiler, '-p', project], { stdio: 'inherit' }).status ?? 1;
} else {
  process.stderr.write(
    'mailctl: the TypeScript compiler is missing, so dist/ was not built (NODE_ENV=production leaves it out).\n' +
      'Build with: npm ci --include=dev\n',
  );
  process.exitCode = 1;
}

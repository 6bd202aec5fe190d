import { spawnSync } from 'node:child_process';

// `npm test`: unit, contract and integration tests, in one run that shares the engines. test/unrun-tests.ts lists what could not run.
const vitest = new URL('../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
const projects = ['unit', 'contract', 'integration'].flatMap((name) => ['--project', name]);
const argv = [vitest, 'run', '--config', 'test/vitest.config.ts', ...projects, ...process.argv.slice(2)];
const root = new URL('..', import.meta.url);

process.exitCode = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' }).status ?? 1;

import { defineConfig } from 'vitest/config';

import { unrunTests } from './unrun-tests.ts';

const root = new URL('..', import.meta.url).pathname;

/** One project a kind of test, so that each script runs exactly its kind. */
function kind(name: string, include: string[], options: object = {}) {
  return { root, test: { name, include, environment: 'node', ...options } };
}

/** Without isolation a module is loaded once a worker, not once a file. */
const slow = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  isolate: false,
  maxWorkers: 2,
  sequence: { groupOrder: 1 },
};

export default defineConfig({
  root,
  test: {
    globalSetup: ['test/engines/broker.ts'],
    reporters: ['default', unrunTests(Boolean(process.env['CI']), (text) => process.stderr.write(text))],
    projects: [
      kind(
        'unit',
        [
          'test/*.test.ts',
          'test/{adapters,cli,config,domain,operations,postal-stand-in,sandbox,services}/**/*.test.ts',
        ],
        { isolate: false, testTimeout: 30_000, hookTimeout: 30_000 },
      ),
      kind('contract', ['test/contracts/**/*.test.ts'], slow),
      kind('integration', ['test/{integration,store}/**/*.test.ts'], slow),
      kind('fuzz', ['test/fuzz/**/*.test.ts'], slow),
      kind('faults', ['test/faults/**/*.test.ts'], slow),
      kind('chaos', ['test/chaos/**/*.test.ts'], { ...slow, testTimeout: 600_000 }),
      kind('stack', ['test/stack/**/*.test.ts'], {
        ...slow,
        testTimeout: 600_000,
        maxWorkers: 1,
        fileParallelism: false,
        globalSetup: ['test/stack/harness/teardown.ts'],
      }),
      kind('bench', ['test/bench/**/*.test.ts'], { ...slow, testTimeout: 600_000 }),
    ],
  },
});

import { startVitest } from 'vitest/node';

import { unrunTests } from '../unrun-tests.ts';

// Runs unrun-tests.ts as `npm test` does, and ends as it does.
const said: string[] = [];
const vitest = await startVitest('test', [], {
  root: import.meta.dirname,
  config: false,
  watch: false,
  include: ['unrun-tests.ts'],
  reporters: [unrunTests(process.argv.includes('ci'), (text) => said.push(text))],
});
await vitest.close();
process.stdout.write(`${JSON.stringify(said)}\n`);

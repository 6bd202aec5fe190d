import { expect, it } from 'vitest';

import { startProgram } from './programs/program.ts';

const missing = 'the engine is away';
const elsewhere = 'not applicable: no engine for others';

it.each([
  {
    how: 'passes under CI when what did not run was meant for others',
    args: ['ci'],
    reason: elsewhere,
    exit: 0,
  },
  { how: 'fails under CI when an engine was missing', args: ['ci'], reason: missing, exit: 1 },
  { how: 'only says so on a laptop', args: [], reason: missing, exit: 0 },
])('a run $how', { timeout: 60_000 }, async ({ args, reason, exit }) => {
  await using run = await startProgram('unrun.ts', { args, environment: { REASON: reason } });

  expect(run.said).toEqual([
    [
      '\nCould not run (2):',
      '  not applicable: only root can',
      '    unrun-tests.ts > is about root',
      `  ${reason}`,
      '    unrun-tests.ts > needs an engine\n',
    ].join('\n'),
  ]);
  expect(await run.ended).toBe(exit);
});

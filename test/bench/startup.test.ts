import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { median, report, toy } from './report.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rounds = toy ? 5 : 40;
/** Of an empty Node; printed, not asserted: a busy machine proves nothing. */
const aim = 1.5;

const runs = {
  'node -e 0': ['-e', '0'],
  'mailctl --version': ['bin/mailctl.js', '--version'],
  'mailctl --help': ['bin/mailctl.js', '--help'],
};

function millisecondsOf(argv: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8', env: bare });
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return performance.now() - start;
}

/** Without the test runner's own NODE_OPTIONS. */
const bare = { PATH: process.env.PATH };

/** The rounds alternate, so that whatever else the machine does falls on all alike. */
function measure(): ReadonlyMap<string, number> {
  const times = Object.entries(runs).map(([name, argv]) => ({ name, argv, ms: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { argv, ms } of times) ms.push(millisecondsOf(argv));
  }
  return new Map(times.map(({ name, ms }) => [name, median(ms)]));
}

it('measures the start of the program beside that of an empty Node', () => {
  expect(existsSync(`${root}dist/cli/main.js`), 'build first: npm run build').toBe(true);
  const medians = measure();
  const empty = medians.get('node -e 0') ?? Number.NaN;
  const rows = [...medians].map(([name, ms]) => ({
    run: name,
    median_ms: Number(ms.toFixed(1)),
    ratio: Number((ms / empty).toFixed(2)),
    aim: name === 'node -e 0' ? '' : `≤ ${aim}`,
  }));
  report('startup', rows);
  expect(rows.map(({ run }) => run)).toEqual(Object.keys(runs));
});

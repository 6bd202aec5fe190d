import { spawnSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { gatherLines } from '../../src/adapters/gathered-lines.ts';

const programs = fileURLToPath(new URL('../programs/', import.meta.url));

it('writes the lines of a turn at once and in order, and those of the next turn after them', async () => {
  const written: string[] = [];
  const lines = gatherLines({ write: (text) => written.push(text) });
  lines.write('one\n');
  lines.write('two\n');
  expect(written).toEqual([]);
  await turn();
  lines.write('three\n');
  await turn();

  expect(written).toEqual(['one\ntwo\n', 'three\n']);
});

it.each(['process.exit(3)', 'throw new Error("nobody catches this")'])(
  'loses no line of a process that ends within the turn by %s',
  (end) => {
    const adapter = new URL('../../src/adapters/gathered-lines.ts', import.meta.url).href;
    const program = `const { gatherLines } = await import('${adapter}');
      gatherLines(process.stdout).write('the last words\\n');
      ${end};`;
    const loader = ['--import', `${programs}typescript.mjs`];
    const { stdout } = spawnSync(process.execPath, [...loader, '--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });

    expect(stdout).toBe('the last words\n');
  },
);

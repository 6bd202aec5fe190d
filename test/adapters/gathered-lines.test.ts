import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { gatherLines } from '../../src/adapters/gathered-lines.ts';

function gathering() {
  const written: string[] = [];
  const process = new EventEmitter();
  const sink = gatherLines({ write: (text) => written.push(text) }, process as unknown as NodeJS.Process);
  return { written, sink, end: () => process.emit('exit') };
}

it('lines of one turn are written together, in their order, and those of the next turn after them', async () => {
  const { written, sink } = gathering();
  for (const line of ['one\n', 'two\n']) sink.write(line);
  expect(written).toEqual([]);
  await turn();
  await turn();
  sink.write('three\n');
  await turn();
  await turn();

  expect(written).toEqual(['one\ntwo\n', 'three\n']);
});

it('what is said last is written when the process ends, and once', async () => {
  const { written, sink, end } = gathering();
  sink.write('the reason of the end\n');
  end();
  await turn();
  await turn();

  expect(written).toEqual(['the reason of the end\n']);
});

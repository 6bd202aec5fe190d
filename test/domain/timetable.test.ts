import { expect, it } from 'vitest';

import { outcomeOf, seenTo, timetable } from '../../src/domain/timetable.ts';
import { type CommandEntry, commandTree } from '../documents/command-tree.ts';
import { misunderstood } from '../documents/mentions.ts';

it('every row of the timetable runs a command and flags that there are', async () => {
  const program: CommandEntry = await commandTree();
  const wrong = Object.values(timetable).map(({ command }) => misunderstood(program, command));

  expect(wrong.filter((problem) => problem !== undefined)).toEqual([]);
});

it.each([
  [0, 'done'],
  [3, 'warned'],
  [11, 'locked'],
  [20, 'failed'],
  [143, 'interrupted'],
  [undefined, 'interrupted'],
])('exit code %s means %s', (exit, outcome) => {
  expect(outcomeOf(exit)).toBe(outcome);
});

it('a row that never ran has not been seen to', () => {
  expect(seenTo([])).toBeUndefined();
});

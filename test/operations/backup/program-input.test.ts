import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { describe, expect, it } from 'vitest';

import { openPrograms } from '../../../src/adapters/programs.ts';
import { inputOf } from '../../../src/operations/backup/program-input.ts';

const systemPrograms = openPrograms(5_000);

const megabytes = (count: number) => Array.from({ length: count }, () => Buffer.alloc(1024 * 1024, 7));

describe('what a program reads', () => {
  it('is all that is written', async () => {
    const program = systemPrograms.start(['cat']);
    const [read] = await Promise.all([
      buffer(program.output),
      pipeline(Readable.from(megabytes(3)), inputOf(program)),
    ]);
    expect(read.length).toBe(3 * 1024 * 1024);
  });

  it('may end before what is written does, and how it ended still tells', async () => {
    const program = systemPrograms.start(['sh', '-c', 'head -c 10; exit 3']);
    const [read, , end] = await Promise.all([
      buffer(program.output),
      pipeline(Readable.from(megabytes(8)), inputOf(program)),
      program.ended,
    ]);
    expect({ read: read.length, exit: end.exit }).toEqual({ read: 10, exit: 3 });
  });

  it('may be over before its end is written', async () => {
    const program = systemPrograms.start(['true']);
    await program.ended;
    await expect(pipeline(Readable.from(megabytes(1)), inputOf(program))).resolves.toBeUndefined();
  });
});

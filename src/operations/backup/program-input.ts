import { Writable } from 'node:stream';

import type { RunningProgram } from '../../adapters/running-program.ts';

/**
 * What a program reads. One that knows the end of its data, as tar and pg_restore do, may be gone before that end is written: the rest goes
 * nowhere then, and whether all is well says how the program ended.
 */
export function inputOf({ input }: Pick<RunningProgram, 'input'>): Writable {
  return new Writable({
    highWaterMark: input.writableHighWaterMark,
    write(piece: Buffer, _encoding, done) {
      if (input.writable) input.write(piece, () => done());
      else done();
    },
    final(done) {
      if (input.writable) input.end(() => done());
      else done();
    },
    destroy(error, done) {
      input.destroy();
      done(error);
    },
  });
}

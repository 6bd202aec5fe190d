import { Transform, Writable } from 'node:stream';

/** What is done with a line, decided by how it begins: passed on, or replaced by a text. */
type Decide = (head: string) => string | undefined;

/** Enough of a line to know what it is, in octets. */
const headBytes = 512;
const newline = 10;

interface Hears {
  /** The first octets of a line; all of it when it is short. */
  head(piece: Buffer): void;
  rest(piece: Buffer): void;
}

/** Cuts a stream into lines without ever holding more than the beginning of one: a line of a dump may have a gigabyte. */
function cutter({ head, rest }: Hears) {
  let waiting: Buffer | undefined = Buffer.alloc(0);
  const feed = (piece: Buffer): void => {
    let at = 0;
    while (at < piece.length) {
      const found = piece.indexOf(newline, at);
      const end = found < 0 ? piece.length : found + 1;
      const part = piece.subarray(at, end);
      at = end;
      if (waiting === undefined) rest(part);
      else {
        const whole: Buffer = waiting.length === 0 ? part : Buffer.concat([waiting, part]);
        waiting = found < 0 && whole.length < headBytes ? Buffer.from(whole) : undefined;
        if (waiting === undefined) head(whole);
      }
      if (found >= 0) waiting = Buffer.alloc(0);
    }
  };
  return { feed, end: () => waiting !== undefined && waiting.length > 0 && head(waiting) };
}

/** Passes lines on, with those replaced that `decide` gives another text for. */
export function replacingLines(decide: Decide): Transform {
  let out: Transform;
  const lines = cutter({
    head: (piece) => {
      const other = piece.length < headBytes ? decide(piece.toString('utf8')) : undefined;
      out.push(other ?? piece);
    },
    rest: (piece) => void out.push(piece),
  });
  out = new Transform({
    transform(piece: Buffer, _encoding, done) {
      lines.feed(piece);
      done();
    },
    flush(done) {
      lines.end();
      done();
    },
  });
  return out;
}

/** Hears lines: `begins` says whether the rest of the line is wanted too. */
export function hearingLines(begins: (head: Buffer) => void, goesOn: (piece: Buffer) => void): Writable {
  const lines = cutter({ head: begins, rest: goesOn });
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      lines.feed(piece);
      done();
    },
    final(done) {
      lines.end();
      done();
    },
  });
}

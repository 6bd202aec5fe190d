import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { FileSeal } from '../../adapters/age.ts';
import type { RunningProgram } from '../../adapters/running-program.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { inputOf } from './program-input.ts';
import { requireSuccess } from './program-output.ts';
import { stopOrTimeout, type Workplace } from './workplace.ts';
import { allOrNone } from './write-part.ts';

/** Opens a sealed file with a key. Throws `access-denied` when it is sealed to others. */
export async function sealOf(
  { archive, world }: Workplace,
  path: string,
  identity: Secret,
): Promise<FileSeal> {
  const age = await world.age();
  let start = Buffer.alloc(0);
  for await (const piece of archive.read(path) as AsyncIterable<Buffer>) {
    start = Buffer.concat([start, piece]);
    const seal = await age.openSeal(start, identity);
    if (seal) return seal;
    if (start.length > age.mostHeadBytes) break;
  }
  throw new OperatorError('check-failed', 'a sealed file has no beginning', {
    hint: 'Use another set or another copy of it: mailctl backup list',
  });
}

interface Reading {
  readonly path: string;
  readonly seal: FileSeal;
  /** What passes between the file and the program; the text before compression. */
  readonly through?: NodeJS.ReadWriteStream;
  /** Who reads it; its own output is left to whoever started it. */
  readonly into: RunningProgram | NodeJS.WritableStream;
}

/** Streams what a sealed file holds, opened and decompressed, into a program or stream. Fails when any stage does. */
export async function readPart(place: Workplace, { path, seal, through, into }: Reading): Promise<void> {
  const { archive, world } = place;
  const age = await world.age();
  const zstd = (await world.programs()).start(['zstd', '-q', '-d', '-c']);
  const signal = stopOrTimeout(place);
  const program = 'ended' in into ? into : undefined;
  const sink = program ? inputOf(program) : (into as NodeJS.WritableStream);
  const opened = pipeline(archive.read(path, seal.head.length), age.unsealing(seal), zstd.input, { signal });
  const text = through
    ? pipeline(zstd.output, through, sink, { signal })
    : pipeline(zstd.output, sink, { signal });
  const stages = [opened, text, requireSuccess(zstd), ...(program ? [requireSuccess(program)] : [])];
  await allOrNone(program ? [zstd, program] : [zstd], stages, signal);
}

/** Lets a program's output go nowhere. */
export function ignoreOutput(program: RunningProgram): RunningProgram {
  if (program.output instanceof Readable) program.output.resume();
  return program;
}

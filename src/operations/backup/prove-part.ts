import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import type { Part } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { toolsFor } from './tools.ts';
import { stopOrTimeout, type Workplace } from './workplace.ts';
import type { Written } from './write-part.ts';

/** What a proof is made of. */
export interface Proving {
  readonly kind: Part['kind'];
  /** Of the server, for the tool that reads it. */
  readonly version: string;
  readonly written: Written;
}

/** Proves what was just written and read back: it holds something, and pg_restore can list a dump of PostgreSQL. */
export async function provePart(place: Workplace, { kind, version, written }: Proving): Promise<void> {
  if (written.plainBytes === 0) throw empty(kind);
  if (kind === 'postgres') await requireList(place, version, written);
}

function empty(kind: Part['kind']): OperatorError {
  return new OperatorError('check-failed', `the dump of ${kind} is empty`, {
    hint: 'Look at the log of the server, and run it again',
  });
}

/** Reads a file whole. Throws `check-failed` when its size or SHA-256 is another. */
export async function requireSame(
  place: Workplace,
  { path, bytes, sha256 }: Pick<Written, 'path' | 'bytes' | 'sha256'>,
): Promise<void> {
  const found = await place.archive.digest(path, stopOrTimeout(place));
  if (bytes > 0 && found.bytes === bytes && found.sha256 === sha256) return;
  throw new OperatorError('check-failed', `${path} is not what was written: it is damaged or cut short`, {
    hint: 'Look at the disk that holds it, and use another set: mailctl backup list',
  });
}

/** The table of contents stands at the beginning; pg_restore stops reading behind it, and the pipe breaks. */
async function requireList(place: Workplace, version: string, { path, seal }: Written): Promise<void> {
  const { world, archive } = place;
  const tools = await toolsFor(world, { store: 'postgres', version });
  const programs = await world.programs();
  const [zstd, restore] = [
    programs.start(['zstd', '-q', '-d', '-c']),
    programs.start(tools.argv('pg_restore', '--list')),
  ];
  restore.input.write('-\n');
  const age = await world.age();
  const signal = stopOrTimeout(place);
  const feeding = Promise.allSettled([
    pipeline(archive.read(path, seal.head.length), age.unsealing(seal), zstd.input, { signal }),
    pipeline(zstd.output, restore.input, { signal }),
  ]);
  const [list, end] = await Promise.all([text(restore.output), restore.ended]);
  zstd.kill();
  await feeding;
  if (end.exit === 0 && /^;\s+Archive created/m.test(list)) return;
  throw new OperatorError('check-failed', `pg_restore cannot list the dump: ${end.complaint}`, {
    hint: 'Run it again; if it fails again, look at the disk and the version of pg_dump',
  });
}

import { createHash, type Hash } from 'node:crypto';
import type { Writable } from 'node:stream';

import { hearingLines } from './lines.ts';

/** SHA-256 of the rows of each table, as a dump writes them, by `database.table`. */
export interface Digests {
  readonly into: Writable;
  result(): ReadonlyMap<string, string>;
}

/** Digests a dump of MariaDB: the INSERT lines of each table. `nameOf` turns the name of a database into the one that is compared. */
export function mariadbDigests(nameOf: (database: string) => string): Digests {
  const hashes = new Map<string, Hash>();
  let database = '';
  let current: Hash | undefined;
  const begins = (line: Buffer) => {
    const head = line.subarray(0, 300).toString('utf8');
    database = /^USE `(.+)`;/.exec(head)?.[1] ?? database;
    const table = /^(?:INSERT INTO|CREATE TABLE) `([^`]+)`/.exec(head)?.[1];
    current = table === undefined ? undefined : hashFor(hashes, `${nameOf(database)}.${table}`);
    if (head.startsWith('INSERT')) current?.update(line);
    else current = undefined;
  };
  return digests(
    hashes,
    hearingLines(begins, (piece) => void current?.update(piece)),
  );
}

/** Digests a dump of PostgreSQL as text: the rows between `COPY … FROM stdin;` and `\.`. */
export function postgresDigests(): Digests {
  const hashes = new Map<string, Hash>();
  let current: Hash | undefined;
  const begins = (line: Buffer) => {
    if (current && line.length === 3 && line.toString('latin1') === '\\.\n') current = undefined;
    else if (current) current.update(line);
    else current = copied(hashes, line);
  };
  return digests(
    hashes,
    hearingLines(begins, (piece) => void current?.update(piece)),
  );
}

function copied(hashes: Map<string, Hash>, line: Buffer): Hash | undefined {
  if (!line.subarray(0, 5).equals(copyWord)) return undefined;
  const table = /^COPY (\S+) \(/.exec(line.toString('utf8'))?.[1];
  return table === undefined ? undefined : hashFor(hashes, table);
}

const copyWord = Buffer.from('COPY ');

function hashFor(hashes: Map<string, Hash>, name: string): Hash {
  const hash = hashes.get(name) ?? createHash('sha256');
  hashes.set(name, hash);
  return hash;
}

function digests(hashes: ReadonlyMap<string, Hash>, into: Writable): Digests {
  return {
    into,
    result: () => new Map([...hashes].map(([name, hash]) => [name, hash.copy().digest('hex')])),
  };
}

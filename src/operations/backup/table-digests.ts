import { createHash, type Hash } from 'node:crypto';
import type { Writable } from 'node:stream';

import { hearingLines } from './lines.ts';

/** What names the rows of each table, as a dump writes them, by `database.table`. */
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

/**
 * Digests a dump of PostgreSQL as text: the rows between `COPY … FROM stdin;` and `\.`, in whatever order they come. Rows that were restored
 * fill the pages of a table otherwise than those that came one by one.
 */
export function postgresDigests(): Digests {
  const sums = new Map<string, bigint>();
  let table: string | undefined;
  let row: Hash | undefined;
  const endRow = () => {
    if (table !== undefined && row) sums.set(table, added(sums.get(table) ?? 0n, row));
    row = undefined;
  };
  const begins = (line: Buffer) => {
    endRow();
    if (table === undefined) {
      table = copied(line);
      if (table !== undefined) sums.set(table, sums.get(table) ?? 0n);
    } else if (line.length === 3 && line.toString('latin1') === '\\.\n') table = undefined;
    else row = createHash('sha256').update(line);
  };
  return {
    into: hearingLines(begins, (piece) => void row?.update(piece)),
    result: () => new Map([...sums].map(([name, sum]) => [name, sum.toString(16)])),
  };
}

const wrap = 2n ** 256n;

function added(sum: bigint, row: Hash): bigint {
  return (sum + BigInt(`0x${row.digest('hex')}`)) % wrap;
}

function copied(line: Buffer): string | undefined {
  if (!line.subarray(0, 5).equals(copyWord)) return undefined;
  return /^COPY (\S+) \(/.exec(line.toString('utf8'))?.[1];
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

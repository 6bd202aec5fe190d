import { createHash, type Hash } from 'node:crypto';
import type { Writable } from 'node:stream';

import { hearingLines } from './lines.ts';

/**
 * What names the rows of each table, as a dump writes them, by `database.table`; in whatever order they come. Rows that were restored fill the
 * pages of a table otherwise than those that came one by one.
 */
export interface Digests {
  readonly into: Writable;
  result(): ReadonlyMap<string, string>;
}

/**
 * Digests a dump of MariaDB: the rows behind each `INSERT INTO … VALUES`, a line each; older programs write many of them on one line, which
 * counts as one then. `nameOf` turns the name of a database into the one that is compared.
 */
export function mariadbDigests(nameOf: (database: string) => string): Digests {
  const sums = sumRows({ separatorBytes: 2 });
  let database = '';
  let table: string | undefined;
  const begins = (line: Buffer) => {
    sums.endRow();
    if (table !== undefined && line[0] === openingBracket) return sums.beginRow(table, line);
    const head = line.subarray(0, 300).toString('utf8');
    database = /^USE `(.+)`;/.exec(head)?.[1] ?? database;
    const [, inserted, rest] = /^INSERT INTO `([^`]+)` VALUES(\s*)/.exec(head) ?? [];
    table = inserted === undefined ? undefined : `${nameOf(database)}.${inserted}`;
    if (table !== undefined && rest !== '\n') sums.beginRow(table, line);
  };
  return { into: hearingLines(begins, sums.goOn), result: sums.result };
}

const openingBracket = '('.charCodeAt(0);

/** Digests a dump of PostgreSQL as text: the rows between `COPY … FROM stdin;` and `\.`. */
export function postgresDigests(): Digests {
  const sums = sumRows({ separatorBytes: 1 });
  let table: string | undefined;
  const begins = (line: Buffer) => {
    sums.endRow();
    if (table === undefined) {
      table = copied(line);
      if (table !== undefined) sums.name(table);
    } else if (line.length === 3 && line.toString('latin1') === '\\.\n') table = undefined;
    else sums.beginRow(table, line);
  };
  return { into: hearingLines(begins, sums.goOn), result: sums.result };
}

function copied(line: Buffer): string | undefined {
  if (!line.subarray(0, 5).equals(copyWord)) return undefined;
  return /^COPY (\S+) \(/.exec(line.toString('utf8'))?.[1];
}

const copyWord = Buffer.from('COPY ');

const wrap = 2n ** 256n;

/** Sums the SHA-256 of rows by table. What separates a row from the next at its end is none of it. */
function sumRows({ separatorBytes }: { readonly separatorBytes: number }) {
  const sums = new Map<string, bigint>();
  let row: { readonly table: string; readonly hash: Hash } | undefined;
  let held = Buffer.alloc(0);
  const goOn = (piece: Buffer) => {
    if (!row) return;
    const whole = piece.length < separatorBytes ? Buffer.concat([held, piece]) : piece;
    if (whole === piece) row.hash.update(held);
    const end = Math.max(0, whole.length - separatorBytes);
    row.hash.update(whole.subarray(0, end));
    held = Buffer.from(whole.subarray(end));
  };
  const name = (table: string) => void sums.set(table, sums.get(table) ?? 0n);
  const endRow = () => {
    if (row) sums.set(row.table, added(sums.get(row.table) ?? 0n, row.hash));
    row = undefined;
  };
  return {
    /** A table has a sum although it has no row. */
    name,
    beginRow: (table: string, piece: Buffer) => {
      name(table);
      row = { table, hash: createHash('sha256') };
      held = Buffer.alloc(0);
      goOn(piece);
    },
    goOn,
    endRow,
    result: () => {
      endRow();
      return new Map([...sums].map(([table, sum]) => [table, sum.toString(16)]));
    },
  };
}

function added(sum: bigint, row: Hash): bigint {
  return (sum + BigInt(`0x${row.digest('hex')}`)) % wrap;
}

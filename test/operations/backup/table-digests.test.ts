import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { describe, expect, it } from 'vitest';

import {
  type Digests,
  mariadbDigests,
  postgresDigests,
} from '../../../src/operations/backup/table-digests.ts';

const long = 'x'.repeat(3_000);

/** What a dump that comes in pieces of so many octets digests to. */
async function digested(digests: Digests, lines: readonly string[], octets: number) {
  const whole = Buffer.from(lines.join('\n'));
  const pieces = Array.from({ length: Math.ceil(whole.length / octets) }, (_, index) =>
    whole.subarray(index * octets, (index + 1) * octets),
  );
  await pipeline(Readable.from(pieces), digests.into);
  return digests.result();
}

/** The digest of one of the two tables of a dump of PostgreSQL. */
async function digestOf(rows: readonly string[], octets = 100): Promise<string | undefined> {
  const lines = ['SET a = 1;', 'COPY public.other (id) FROM stdin;', '7', '\\.', ''];
  const text = [...lines, 'COPY public.events (id, detail) FROM stdin;', ...rows, '\\.', '', 'SELECT 1;', ''];
  const result = await digested(postgresDigests(), text, octets);
  expect([...result.keys()]).toEqual(['public.other', 'public.events']);
  return result.get('public.events');
}

describe('the digest of a dumped table of PostgreSQL', () => {
  const rows = ['1\tone', `2\t${long}`, '3\tCOPY public.b (id) FROM stdin;', `4\t${long}y`, '5\t\\N'];

  it('is the same for the same rows in another order, however they come in', async () => {
    const digest = await digestOf(rows);
    expect(await digestOf(rows.toReversed())).toBe(digest);
    for (const octets of [1, 511, 512, 513, 100_000]) expect(await digestOf(rows, octets)).toBe(digest);
  });

  it.each([
    ['is missing', rows.slice(1)],
    ['is there twice', [...rows, '1\tone']],
    ['is another one', [...rows.slice(0, 4), '5\tsomething']],
    ['differs far behind', [...rows.slice(0, 3), `4\t${long}z`, '5\t\\N']],
  ])('is another one where a row %s', async (_what, others) => {
    expect(await digestOf(others)).not.toBe(await digestOf(rows));
  });

  it('tells two rows that swapped their ends from those that did not', async () => {
    expect(await digestOf(['1\ta', '2\tb'])).not.toBe(await digestOf(['1\tb', '2\ta']));
    expect(await digestOf([])).not.toBe(await digestOf(['']));
  });
});

/** The digest of one of the two tables of a dump of MariaDB, whose rows stand on lines of their own. */
async function postalDigestOf(rows: readonly string[], octets = 100): Promise<string | undefined> {
  const table = ['CREATE TABLE `raw` (', '  `id` int(11)', ');', 'INSERT INTO `raw` VALUES'];
  const ended = rows.map((row, index) => `${row}${index < rows.length - 1 ? ',' : ';'}`);
  const head = ['USE `scratch_postal`;', 'INSERT INTO `other` VALUES', '(7);', '/*!40000 ALTER TABLE */;'];
  const text = [...head, ...table, ...ended, 'UNLOCK TABLES;', '-- Dump completed', ''];
  const result = await digested(
    mariadbDigests((name) => name.replace('scratch_', '')),
    text,
    octets,
  );
  expect([...result.keys()]).toEqual(['postal.other', 'postal.raw']);
  return result.get('postal.raw');
}

describe('the digest of a dumped table of MariaDB', () => {
  const rows = ["(1,'one')", `(2,'${long}')`, "(3,'INSERT INTO `b` VALUES')", `(4,'${long}y')`, '(5,NULL)'];

  it('is the same for the same rows in another order, however they come in', async () => {
    const digest = await postalDigestOf(rows);
    expect(await postalDigestOf(rows.toReversed())).toBe(digest);
    for (const octets of [1, 2, 511, 512, 513, 100_000])
      expect(await postalDigestOf(rows, octets)).toBe(digest);
  });

  it.each([
    ['is missing', rows.slice(1)],
    ['is there twice', [...rows, "(1,'one')"]],
    ['is another one', [...rows.slice(0, 4), "(5,'something')"]],
    ['differs far behind', [...rows.slice(0, 3), `(4,'${long}z')`, '(5,NULL)']],
  ])('is another one where a row %s', async (_what, others) => {
    expect(await postalDigestOf(others)).not.toBe(await postalDigestOf(rows));
  });

  it('holds rows that stand on the line of their INSERT, as older servers write them', async () => {
    const of = async (row: string) =>
      (
        await digested(
          mariadbDigests((name) => name),
          ['USE `postal`;', `INSERT INTO \`raw\` VALUES (1,'one'),${row};`, 'UNLOCK TABLES;', ''],
          7,
        )
      ).get('postal.raw');
    expect(await of("(2,'two')")).toBeDefined();
    expect(await of("(2,'two')")).not.toBe(await of("(2,'TWO')"));
  });
});

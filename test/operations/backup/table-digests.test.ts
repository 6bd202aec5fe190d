import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { describe, expect, it } from 'vitest';

import { postgresDigests } from '../../../src/operations/backup/table-digests.ts';

const long = 'x'.repeat(3_000);

/** The digest of a table of a dump that comes in pieces of so many octets. */
async function digestOf(rows: readonly string[], octets = 100): Promise<string | undefined> {
  const lines = ['SET a = 1;', 'COPY public.other (id) FROM stdin;', '7', '\\.', ''];
  const text = [...lines, 'COPY public.events (id, detail) FROM stdin;', ...rows, '\\.', '', 'SELECT 1;', ''];
  const whole = Buffer.from(text.join('\n'));
  const pieces = Array.from({ length: Math.ceil(whole.length / octets) }, (_, index) =>
    whole.subarray(index * octets, (index + 1) * octets),
  );
  const digests = postgresDigests();
  await pipeline(Readable.from(pieces), digests.into);
  expect([...digests.result().keys()]).toEqual(['public.other', 'public.events']);
  return digests.result().get('public.events');
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

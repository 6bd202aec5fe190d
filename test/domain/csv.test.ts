import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readCsv, writeCsv } from '../../src/domain/csv.ts';

describe('comma-separated text', () => {
  it('is read record by record, with quoted commas, quotes and line ends', () => {
    expect(readCsv('a, b ,c\r\n"x,1","say ""hi""","two\nlines"\n\nlast,,\n')).toEqual([
      ['a', 'b', 'c'],
      ['x,1', 'say "hi"', 'two\nlines'],
      ['last', '', ''],
    ]);
  });

  it('may begin with a byte order mark and end without a line end', () => {
    expect(readCsv('\uFEFFa,b')).toEqual([['a', 'b']]);
    expect(readCsv('')).toEqual([]);
  });

  it('comes back as it was written', () => {
    const value = fc
      .oneof(
        fc.string(),
        fc.string().map((text) => `+${text}`),
        fc.string().map((text) => `'=${text}`),
      )
      .filter((text) => text.trim() === text && text !== '');
    const held = fc.check(
      fc.property(fc.array(fc.array(value, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (records) => {
        expect(readCsv(records.map(writeCsv).join(''))).toEqual(records);
      }),
    );
    expect(held.counterexample).toBeNull();
  });

  it('gives a spreadsheet no formula to run', () => {
    expect(writeCsv(['=1+1', 'a'])).toBe("'=1+1,a\r\n");
  });
});

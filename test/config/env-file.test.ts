import { parse as parseAsDotenv } from 'dotenv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEnvFile } from '../../src/config/env-file.ts';
import { parseAsCompose } from './compose-env-file.ts';

function read(content: string): Record<string, string> {
  const { values, problems } = parseEnvFile(content);
  expect(problems).toEqual([]);
  return Object.fromEntries([...values].map(([name, { text }]) => [name, text]));
}

function problemsOf(content: string) {
  return parseEnvFile(content).problems.map(({ name, line }) => `${name ?? '?'}:${line}`);
}

describe('a .env that all read alike', () => {
  it.each([
    ['plain', 'A=b', { A: 'b' }],
    ['without a newline at the end', 'A=b\nC=d', { A: 'b', C: 'd' }],
    ['with CRLF', 'A=b\r\nC=d\r\n', { A: 'b', C: 'd' }],
    ['with a byte order mark', '\uFEFFA=b\n', { A: 'b' }],
    ['with export', 'export A=b\n  export\tC=d', { A: 'b', C: 'd' }],
    ['with blanks around', '  A = b c \t\n', { A: 'b c' }],
    ['with comments and empty lines', '# one\n\n   # two\nA=b\n', { A: 'b' }],
    ['with single quotes', 'A=\'b # $c "d" \\n\'\n', { A: 'b # $c "d" \\n' }],
    ['with double quotes', 'A="b # \'c\' "\n', { A: "b # 'c' " }],
    ['with a comment behind a quoted value', "A='b' # why\nC=\"d\"\t# why 'so'", { A: 'b', C: 'd' }],
    ['with blank values', 'A=\nB=""\nC=\'\'\nD=e', { A: '', B: '', C: '', D: 'e' }],
    ['with = in the value', 'A=b=c==', { A: 'b=c==' }],
    ['with letters of other languages', 'A=grüße-日本', { A: 'grüße-日本' }],
    ['that is empty', '', {}],
  ])('is read %s', (_, content, expected) => {
    expect(read(content)).toEqual(expected);
    expect(parseAsDotenv(content)).toEqual(expected);
    expect(Object.fromEntries(parseAsCompose(content))).toEqual(expected);
  });
});

describe('what is read differently elsewhere', () => {
  it.each([
    ['a # inside a bare value', 'A=b#c', 'A:1'],
    ['a comment behind a bare value', 'A=b # c', 'A:1'],
    ['a $ in a bare value', 'A=b$c', 'A:1'],
    ['a $ in double quotes', 'A="b$c"', 'A:1'],
    ['a backslash in double quotes', 'A="b\\"c"', 'A:1'],
    ['a backslash before the closing single quote', "A='b\\'", 'A:1'],
    ['a backslash in a bare value', 'A=b\\c', 'A:1'],
    ['a backtick', 'A=`b`', 'A:1'],
    ['a quote that is not closed', "\nA='b\nC=d'\n", 'A:2'],
    ['text behind a quoted value', "A='b'c", 'A:1'],
    ['a name without =', '# x\nA\n', '?:2'],
    ['a colon instead of =', 'A: b', '?:1'],
    ['a name that is none', '1A=b', '?:1'],
    ['a name with a dash', 'A-B=c', '?:1'],
    ['a NUL', 'A=b\0c', 'A:1'],
    ['a lone CR', 'A=b\rC=d', 'A:1'],
    ['a lone CR in a comment', '# b\rC=d', '?:1'],
    ["a line end of Unicode's", 'A=b\u2028C=d', 'A:1'],
    ['a byte order mark in the middle', 'A=b\n\uFEFFC=d', '?:2'],
    ['a no-break space', 'A=b\u00A0', 'A:1'],
  ])('refuses %s, naming the line', (_, content, problem) => {
    expect(problemsOf(content)).toContain(problem);
  });

  it('refuses a name that stands twice, and says where it stood first', () => {
    expect(parseEnvFile('A=b\nB=c\nA=d').problems).toEqual([
      { name: 'A', line: 3, message: 'stands twice (first in line 1); keep one of them' },
    ]);
  });

  it('repeats no value in what it says', () => {
    const canary = 'canary-7f3a';
    const broken = [
      `A=${canary}$x`,
      `A='${canary}`,
      `A="${canary}\\"`,
      `${canary} x`,
      `A=${canary}\0`,
      `A=${canary}#`,
    ];
    const said = broken.map((content) => JSON.stringify(parseEnvFile(content).problems));
    expect(said.filter((text) => text.includes(canary))).toEqual([]);
    expect(said.filter((text) => text === '[]')).toEqual([]);
  });
});

describe('any text whatever', () => {
  const letters = fc.constantFrom(
    ...'aA_9= \t#\'"`$\\{}-:,\r\n\0\uFEFF\u00A0\u0085\u2028é€😀',
    'export ',
    'A=',
    '\nB=',
  );
  const content = fc.array(letters, { maxLength: 24 }).map((parts) => `A=${parts.join('')}`);

  it('is either refused or read as dotenv and Compose read it', () => {
    fc.assert(
      fc.property(content, (text) => {
        const { values, problems } = parseEnvFile(text);
        if (problems.length > 0) return;
        const ours = Object.fromEntries([...values].map(([name, value]) => [name, value.text]));
        expect(parseAsDotenv(text)).toEqual(ours);
        expect(Object.fromEntries(parseAsCompose(text))).toEqual(ours);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes time in proportion to its length', () => {
    const started = performance.now();
    parseEnvFile(`A=${'b '.repeat(200_000)}\nB='${' '.repeat(400_000)}x\nC=d${' '.repeat(400_000)}e`);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

import { parse as parseAsDotenv } from 'dotenv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEnvFile } from '../../src/config/env-file.ts';
import { completeEnvFile, type Given } from '../../src/config/env-template.ts';
import { allVariables, environment } from '../../src/config/environment.ts';
import { readVariables } from '../../src/config/load.ts';
import type { Variable } from '../../src/config/variable.ts';
import { parseAsCompose } from './compose-env-file.ts';
import { generated, goodSecret, sourcesOf } from './valid-sources.ts';

function complete(content: string, given: Given) {
  return completeEnvFile({ content, file: parseEnvFile(content) }, given);
}

const given: Given = new Map([
  ['MAIL_DOMAIN', { text: 'example.com' }],
  ['POSTGRES_PASSWORD', { text: goodSecret }],
]);

describe('a .env that is printed from the schema', () => {
  it('is read alike by Compose, dotenv and us', () => {
    const content = generated({ MAIL_DOMAIN: 'example.com', POSTGRES_PASSWORD: goodSecret });
    const { values, problems } = parseEnvFile(content);
    const ours = Object.fromEntries([...values].map(([name, { text }]) => [name, text]));

    expect(problems).toEqual([]);
    expect(ours).toMatchObject({ MAIL_DOMAIN: 'example.com', POSTGRES_PASSWORD: goodSecret });
    expect(parseAsDotenv(content)).toEqual(ours);
    expect(Object.fromEntries(parseAsCompose(content))).toEqual(ours);
  });

  it('names every variable once, with its default as a comment', () => {
    const content = generated({});
    const lines = content.split('\n').filter((line) => /^(?:# )?[A-Z_0-9]+=/.test(line));
    const names = lines.map((line) => line.replace(/^# |=.*/g, ''));
    expect(names.toSorted()).toEqual([...allVariables].toSorted());
  });

  it('still says the same when every default is no comment any more', () => {
    const uncommented = generated({}).replaceAll(/^# ([A-Z_0-9]+=)/gm, '$1');
    const file = parseEnvFile(uncommented);
    expect(file.problems).toEqual([]);
    const { texts } = readVariables(allVariables, sourcesOf({}, { file }));
    const defaults = allVariables.flatMap((name) => {
      const { fallback }: Variable = environment[name];
      return fallback ? [[name, fallback]] : [];
    });
    expect(Object.fromEntries(texts)).toMatchObject(Object.fromEntries(defaults));
  });

  it('carries any value through, or refuses to write or read it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
        const content = written(text);
        if (content === undefined) return;
        const { values, problems } = parseEnvFile(content);
        const read = problems.length > 0 ? 'refused' : values.get('ADMIN_EMAIL')?.text;
        const unprintable = /[\p{Zl}\p{Zp}\uFEFF]|(?!\t)\p{Cc}/u.test(text);
        expect(read).toBe(unprintable ? 'refused' : text);
        expect(unprintable || parseAsDotenv(content)['ADMIN_EMAIL'] === text).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

function written(text: string): string | undefined {
  try {
    return generated({ ADMIN_EMAIL: text });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

describe('completing a .env', () => {
  it('keeps every byte that is there, and appends the rest', () => {
    const before = '# mine\n\n  export API_RATE_LIMIT = 5\nMINE="x y"   # z';
    const { content, added } = complete(before, given);
    expect(content.startsWith(`${before}\n`)).toBe(true);
    expect(added).toEqual(expect.arrayContaining(['MAIL_DOMAIN', 'POSTGRES_PASSWORD']));
    expect(parseEnvFile(content).problems).toEqual([]);
  });

  it('changes nothing the second time', () => {
    const once = complete('', given);
    const twice = complete(once.content, new Map([['MAIL_DOMAIN', { text: 'other.example' }]]));
    expect(twice).toEqual({ content: once.content, added: [] });
  });

  it('fills in a line that is blank, where it stands', () => {
    const { content, added } = complete('A=b\nPOSTGRES_PASSWORD=\nC=d\n', given);
    expect(content.split('\n').slice(0, 3)).toEqual(['A=b', `POSTGRES_PASSWORD=${goodSecret}`, 'C=d']);
    expect(added).toContain('POSTGRES_PASSWORD');
  });

  it('takes NAME_FILE for the variable', () => {
    const { content, added } = complete('POSTGRES_PASSWORD_FILE=secrets/pg\nPOSTGRES_PASSWORD=\n', given);
    expect(added).not.toContain('POSTGRES_PASSWORD');
    expect(content).not.toContain(goodSecret);
  });

  it('ends its lines as the file does', () => {
    const { content } = complete('A=b\r\nPOSTGRES_PASSWORD=\r\n', given);
    expect(content.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(parseEnvFile(content).values.get('POSTGRES_PASSWORD')?.text).toBe(goodSecret);
  });
});

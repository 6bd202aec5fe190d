import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseJson } from '../../../src/services/api/json-body.ts';

const parse = (text: string, depth = 4) => parseJson(Buffer.from(text), depth);

describe('a JSON body', () => {
  it('is what JSON.parse makes of it, whatever strings it holds', () => {
    const held = fc.check(
      fc.property(fc.json({ maxDepth: 3 }), (text) => {
        expect(parse(text, 50)).toEqual(JSON.parse(text));
      }),
    );
    expect(held.failed).toBe(false);
  });

  it('may be nested as deep as allowed, and brackets in strings do not count', () => {
    expect(parse('[[[["[[[[[{{{{\\"[[["]]]]')).toEqual([[[['[[[[[{{{{"[[[']]]]);
    expect(parse('["\\\\", [[[]]]]')).toEqual(['\\', [[[]]]]);
    expect(() => parse('[[[[[]]]]]')).toThrow('4 deep');
    expect(() => parse('["\\\\",[[[[]]]]]')).toThrow('4 deep');
  });

  it('is refused without repeating what was sent', () => {
    expect(() => parse('{"secret": hunter2}')).toThrow(/^The body is no JSON$/);
    expect(() => parse('{"a":')).toThrow('The body ends before its JSON does');
    expect(() => parse('"never closed')).toThrow('The body ends before its JSON does');
  });

  it('must be UTF-8 and not empty', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]), 4)).toThrow('not valid UTF-8');
    expect(() => parse('')).toThrow('needs a JSON body');
  });

  it('cannot reach the prototype of anything', () => {
    parse('{"__proto__":{"polluted":true}}');
    expect('polluted' in {}).toBe(false);
  });
});

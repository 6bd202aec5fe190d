import { describe, expect, test } from 'vitest';

import { float, rubyJson } from '../../src/postal-stand-in/ruby-json.ts';

describe("JSON in Rails' spelling", () => {
  test('tells floats from whole numbers', () => {
    expect(rubyJson([float(1), float(0), float(1795421544.854939), 7])).toBe('[1.0,0.0,1795421544.854939,7]');
  });

  test('escapes markup and line separators in values and names, and nothing else', () => {
    expect(rubyJson({ 'a<': '<b>&\'"\u2028\u2029/ü\n' })).toBe(
      String.raw`{"a\u003c":"\u003cb\u003e\u0026'\"\u2028\u2029/ü\n"}`,
    );
  });

  test('writes nothing, truth, empty lists and empty objects', () => {
    expect(rubyJson({ a: null, b: true, c: [], d: {} })).toBe('{"a":null,"b":true,"c":[],"d":{}}');
  });
});

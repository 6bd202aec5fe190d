import { describe, expect, it } from 'vitest';

import { hasControls, isAddress, parseMailbox } from '../../src/domain/mailbox.ts';

describe('a mailbox', () => {
  it.each([
    ['ann@example.com', '', 'ann@example.com'],
    [' Ann <ann@example.com> ', 'Ann', 'ann@example.com'],
    ['"Ann, \\"A\\" Ltd" <ann@example.com>', 'Ann, "A" Ltd', 'ann@example.com'],
    ['<ann@example.com>', '', 'ann@example.com'],
    ['Grüße <a+b@x.example.com>', 'Grüße', 'a+b@x.example.com'],
  ])('is read from %s', (text, name, address) => {
    expect(parseMailbox(text)).toEqual({ name, address });
  });

  it.each([
    '',
    'ann',
    'ann@',
    '@example.com',
    'ann@localhost',
    'a b@example.com',
    'Ann <ann@example.com',
    'a@b.c, d@e.f',
  ])('is not read from %j', (text) => {
    expect(parseMailbox(text)).toBeUndefined();
  });
});

describe('an address', () => {
  it('keeps to the lengths of RFC 5321', () => {
    expect(isAddress(`${'a'.repeat(64)}@example.com`)).toBe(true);
    expect(isAddress(`${'a'.repeat(65)}@example.com`)).toBe(false);
  });

  it('is ASCII, because Postal cannot promise SMTPUTF8', () => {
    expect(isAddress('josé@example.com')).toBe(false);
  });
});

describe('control characters', () => {
  it.each(['a\rb', 'a\nb', 'a\u0000b', 'a\u007fb', 'a\u001bb'])('are found in %j', (text) => {
    expect(hasControls(text)).toBe(true);
  });

  it('do not include the tab, which folded headers have', () => {
    expect(hasControls('a\tb')).toBe(false);
  });
});

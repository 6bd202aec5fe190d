import { describe, expect, it } from 'vitest';

import { unverifiedDomain } from '../../src/domain/sender-domains.ts';

const verified = { names: new Set(['acme.test', 'acme.example']), any: false, senderSuffices: false };

describe('a message of verified domains', () => {
  it.each([
    ['one author', ['acme.test'], [], undefined],
    ['authors of several, and a sender', ['acme.test', 'acme.example'], ['acme.test'], undefined],
    ['an author of a domain below a verified one', ['mail.acme.test'], [], 'mail.acme.test'],
    ['one author among others who is not', ['acme.test', 'other.test'], [], 'other.test'],
    ['a sender who is not', ['acme.test'], ['other.test'], 'other.test'],
  ])('with %s is judged by every address', (_, authors, senders, expected) => {
    expect(unverifiedDomain({ authors, senders }, verified)).toBe(expected);
  });

  it('may name any author where a verified domain answers for all', () => {
    const claimed = { authors: ['other.test'], senders: [] };
    expect(unverifiedDomain(claimed, { ...verified, any: true })).toBeUndefined();
  });

  it('may name any author where the sender suffices and is verified', () => {
    const suffices = { ...verified, senderSuffices: true };
    const authors = ['other.test'];
    expect(unverifiedDomain({ authors, senders: ['acme.test'] }, suffices)).toBeUndefined();
    expect(unverifiedDomain({ authors, senders: ['bad.test'] }, suffices)).toBe('bad.test');
    expect(unverifiedDomain({ authors, senders: [] }, suffices)).toBe('other.test');
  });
});

import { describe, expect, it } from 'vitest';

import { allows, composeApiKey, digestOf, readApiKey, textsEqual } from '../../src/domain/api-key.ts';
import { newId } from '../../src/domain/id.ts';
import { Secret } from '../../src/domain/secret.ts';

const id = newId('mk', new Date('2026-01-01T00:00:00Z'), Buffer.from('0123456789'));
const secret = new Secret('abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmn');
const text = composeApiKey(id, secret).reveal();

describe('an API key', () => {
  it('is read back as its id and the digest of its secret', () => {
    expect(readApiKey(text)).toEqual({ kind: 'key', id, digest: digestOf(secret) });
  });

  it('is lower-case letters, digits and underscores only, so that it survives any shell and double click', () => {
    expect(text).toMatch(/^mk_[a-z0-9]{26}_[a-z0-9]{57}$/);
  });

  it('is told from a mistyped one at every single character', () => {
    for (let place = 3; place < text.length; place += 1) {
      const other = text[place] === 'x' ? 'y' : 'x';
      const mistyped = text.slice(0, place) + other + text.slice(place + 1);
      expect([place, readApiKey(mistyped).kind]).toEqual([place, 'mistyped']);
    }
  });

  it('is mistyped when its end is cut off', () => {
    expect(readApiKey(text.slice(0, -1)).kind).toBe('mistyped');
  });

  it('is none when it does not begin like one', () => {
    expect(readApiKey('').kind).toBe('no-key');
    expect(readApiKey('sk_live_123').kind).toBe('no-key');
  });
});

describe('scopes', () => {
  it('allow what they name', () => {
    expect(allows(['send'], 'send')).toBe(true);
    expect(allows(['send'], 'read')).toBe(false);
  });

  it('allow everything to admin', () => {
    expect(allows(['admin'], 'read')).toBe(true);
  });
});

describe('comparing texts', () => {
  it('finds them equal or not, whatever their lengths', () => {
    expect(textsEqual('one', 'one')).toBe(true);
    expect(textsEqual('one', 'two')).toBe(false);
    expect(textsEqual('one', 'one and more')).toBe(false);
  });
});

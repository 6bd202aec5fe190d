import { describe, expect, it } from 'vitest';

import { sealSecret, unsealSecret } from '../../src/domain/sealed-secret.ts';
import { Secret } from '../../src/domain/secret.ts';

const key = new Secret('a key of the platform');
const secret = new Secret('whsec_abc');
const nonce = new Uint8Array(12).fill(7);
const sealed = sealSecret(secret, { key, owner: 'whe_1' }, nonce);

describe('a sealed secret', () => {
  it('opens with the key and the owner it was sealed with', () => {
    const opened = unsealSecret(sealed, { key, owner: 'whe_1' });
    expect(opened.ok && opened.secret.reveal()).toBe('whsec_abc');
  });

  it('shows nothing of the secret', () => {
    expect(Buffer.from(sealed).toString('latin1')).not.toContain('abc');
  });

  it('does not open with another key, for another owner, or after any change of a byte', () => {
    expect(unsealSecret(sealed, { key: new Secret('another'), owner: 'whe_1' }).ok).toBe(false);
    expect(unsealSecret(sealed, { key, owner: 'whe_2' }).ok).toBe(false);
    for (let place = 0; place < sealed.length; place += 1) {
      const changed = Uint8Array.from(sealed);
      changed.set([(changed.at(place) ?? 0) ^ 1], place);
      expect(unsealSecret(changed, { key, owner: 'whe_1' }).ok).toBe(false);
    }
  });

  it('does not open when it was cut short', () => {
    for (let length = 0; length < sealed.length; length += 1)
      expect(unsealSecret(sealed.subarray(0, length), { key, owner: 'whe_1' }).ok).toBe(false);
  });

  it('refuses a nonce of another length', () => {
    expect(() => sealSecret(secret, { key, owner: 'whe_1' }, new Uint8Array(8))).toThrow(RangeError);
  });
});

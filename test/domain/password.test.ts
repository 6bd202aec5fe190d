import { describe, expect, it } from 'vitest';

import { decoyHash, hashPassword, passwordMatches } from '../../src/domain/password.ts';
import { Secret } from '../../src/domain/secret.ts';

const cheap = { logN: 10, r: 8, p: 1 };
const salt = Buffer.from('0123456789abcdef');

describe('a password hash', () => {
  it('matches its password and no other', async () => {
    const hash = await hashPassword(new Secret('correct horse'), salt, cheap);
    expect(await passwordMatches(new Secret('correct horse'), hash)).toBe(true);
    expect(await passwordMatches(new Secret('correct horsf'), hash)).toBe(false);
  });

  it('carries its cost and salt, so that the cost can be raised later', async () => {
    expect(await hashPassword(new Secret('x'), salt, cheap)).toMatch(/^\$scrypt\$ln=10,r=8,p=1\$MDEyMz/);
  });

  it('is the same for letters composed in two ways', async () => {
    const hash = await hashPassword(new Secret('caf\u00e9'), salt, cheap);
    expect(await passwordMatches(new Secret('cafe\u0301'), hash)).toBe(true);
  });

  it('matches nothing when it cannot be read or asks for absurd memory', async () => {
    for (const hash of ['', 'plain', '$scrypt$ln=99,r=8,p=1$AAAA$AAAA', '$scrypt$ln=10,r=8,p=1$AAAA$AAAA']) {
      expect([hash, await passwordMatches(new Secret('x'), hash)]).toEqual([hash, false]);
    }
  });
});

describe('the decoy hash', () => {
  it('matches nothing, and is read like a real one', async () => {
    expect(await passwordMatches(new Secret(''), decoyHash(cheap))).toBe(false);
    expect(decoyHash()).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[\w-]{22}\$[\w-]{43}$/);
  });
});

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { Decrypter } from 'age-encryption';
import { describe, expect, it } from 'vitest';

import { makeAgeKey, newSeal, openSeal, sealing, unsealing } from '../../src/adapters/age.ts';

const chunk = 64 * 1024;

/** Cuts octets into pieces of so many. */
function pieces(octets: Buffer, size: number): Readable {
  return Readable.from(
    Array.from({ length: Math.ceil(octets.length / size) }, (_, at) =>
      octets.subarray(at * size, (at + 1) * size),
    ),
  );
}

async function through(octets: Buffer, size: number, turn: ReturnType<typeof sealing>): Promise<Buffer> {
  const [out] = await Promise.all([buffer(turn), pipeline(pieces(octets, size), turn)]);
  return out;
}

describe('a sealed stream', () => {
  it.each([
    [0, 1],
    [1, 1],
    [chunk - 1, 1000],
    [chunk, chunk],
    [chunk + 1, 4097],
    [3 * chunk, 65_535],
    [3 * chunk, 300_000],
    [5 * chunk + 77, 65_537],
  ])('of %i octets that come %i at a time opens with age and with ours', async (length, size) => {
    const [key, octets] = [await makeAgeKey(), randomBytes(length)];
    const sealed = await through(octets, size, sealing(await newSeal([key.recipient])));

    const age = new Decrypter();
    age.addIdentity(key.identity.reveal());
    expect(octets.equals(await age.decrypt(sealed))).toBe(true);
    const seal = await openSeal(sealed, key.identity);
    if (!seal) throw new Error('the head is not whole');
    expect(octets.equals(await through(sealed.subarray(seal.head.length), size, unsealing(seal)))).toBe(true);
  });

  it.each([
    ['an octet is another', (sealed: Buffer) => sealed.map((octet, at) => (at === 500 ? octet ^ 1 : octet))],
    ['its end is missing', (sealed: Buffer) => sealed.subarray(0, -20)],
    ['it ends with a whole chunk', (sealed: Buffer) => sealed.subarray(0, -(chunk + 16))],
  ])('does not open where %s', async (_, damage) => {
    const key = await makeAgeKey();
    const sealed = await through(randomBytes(3 * chunk), chunk, sealing(await newSeal([key.recipient])));
    const seal = await openSeal(sealed, key.identity);
    if (!seal) throw new Error('the head is not whole');
    const damaged = Buffer.from(damage(sealed)).subarray(seal.head.length);
    await expect(through(damaged, chunk, unsealing(seal))).rejects.toMatchObject({ code: 'check-failed' });
  });
});

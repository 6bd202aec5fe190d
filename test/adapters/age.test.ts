import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { describe, expect, it } from 'vitest';

import { openSeal, unsealing } from '../../src/adapters/age.ts';
import { openPrograms } from '../../src/adapters/programs.ts';
import { temporaryFolder } from '../cli/folders.ts';
import { toBeSealed } from './sealed.ts';

const chunk = 64 * 1024;

/** Cuts octets into pieces of so many. */
function pieces(octets: Buffer, size: number): Readable {
  return Readable.from(
    Array.from({ length: Math.ceil(octets.length / size) }, (_, at) =>
      octets.subarray(at * size, (at + 1) * size),
    ),
  );
}

async function through(octets: Buffer, size: number, turn: ReturnType<typeof unsealing>): Promise<Buffer> {
  const [out] = await Promise.all([buffer(turn), pipeline(pieces(octets, size), turn)]);
  return out;
}

/** Seals these octets, which come so many at a time, as a part of a set is sealed. */
async function sealed(octets: Buffer, size: number) {
  using folder = temporaryFolder();
  const file = await toBeSealed(folder.path, 65_536);
  const joined = openPrograms(5_000).join({ first: ['cat'], second: ['cat'], file: file.order });
  await pipeline(pieces(octets, size), joined.input);
  await joined.sealed;
  const whole = file.sealed();
  const seal = await openSeal(whole, file.identity);
  if (!seal) throw new Error('the head is not whole');
  return { seal, body: whole.subarray(seal.head.length), byAge: await file.opened() };
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
    [17 * chunk, 17 * chunk],
  ])('of %i octets that come %i at a time opens with age and with ours', async (length, size) => {
    const octets = randomBytes(length);
    const { seal, body, byAge } = await sealed(octets, size);
    expect(octets.equals(byAge)).toBe(true);
    expect(octets.equals(await through(body, size, unsealing(seal)))).toBe(true);
  });

  it.each([
    ['an octet is another', (body: Buffer) => body.map((octet, at) => (at === 500 ? octet ^ 1 : octet))],
    ['its end is missing', (body: Buffer) => body.subarray(0, -20)],
    ['it ends with a whole chunk', (body: Buffer) => body.subarray(0, -(chunk + 16))],
  ])('does not open where %s', async (_, damage) => {
    const { seal, body } = await sealed(randomBytes(3 * chunk), chunk);
    await expect(through(Buffer.from(damage(body)), chunk, unsealing(seal))).rejects.toMatchObject({
      code: 'check-failed',
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { newId } from '../../src/domain/id.ts';
import {
  decodeSubmission,
  encodeHead,
  encodeSubmission,
  receivedAtOf,
} from '../../src/domain/submission-codec.ts';
import type { Submission } from '../../src/domain/submission.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const at = fc.date({ min: new Date(0), max: new Date(2 ** 48 - 1), noInvalidDate: true });

const submissions: fc.Arbitrary<Submission> = fc
  .record({
    at,
    random: fc.uint8Array({ minLength: 10, maxLength: 10 }),
    source: fc.constantFrom('smtp' as const, 'http' as const),
    credentialId: text,
    envelope: fc.record({ mailFrom: text, rcptTo: fc.array(text, { maxLength: 12 }) }),
    client: fc.record({ name: text, address: text }),
    dedupe: fc.option(fc.record({ key: text, digest: fc.uint8Array({ minLength: 32, maxLength: 32 }) }), {
      nil: undefined,
    }),
    raw: fc.uint8Array({ maxLength: 600 }),
  })
  .map(({ at, random, dedupe, ...rest }) => ({
    id: newId('msg', at, random),
    receivedAt: at,
    ...rest,
    ...(dedupe ? { dedupe } : {}),
  }));

const sample: Submission = {
  id: newId('msg', new Date(1_700_000_000_000), new Uint8Array(10).fill(7)),
  receivedAt: new Date(1_700_000_000_000),
  source: 'smtp',
  credentialId: 'usr_1',
  envelope: { mailFrom: '', rcptTo: ['ada@example.com', 'jürgen@example.org'] },
  client: { name: 'app.example.com', address: '2001:db8::1' },
  dedupe: { key: '<1@app.example.com>', digest: new Uint8Array(32).fill(9) },
  raw: Buffer.from('Subject: x\r\n\r\n\u0000ÿ\r\n', 'latin1'),
};

/** Views of the same octets are equal, whatever class they are. */
function plain(submission: Submission): unknown {
  const { dedupe, raw, ...rest } = submission;
  return {
    ...rest,
    raw: Buffer.from(raw).toString('hex'),
    ...(dedupe ? { dedupe: { key: dedupe.key, digest: Buffer.from(dedupe.digest).toString('hex') } } : {}),
  };
}

function decoded(bytes: Uint8Array): unknown {
  const result = decodeSubmission(bytes);
  return result.ok ? plain(result.submission) : result;
}

describe('the codec of a submission', () => {
  it('gives back exactly what was encoded', () => {
    fc.assert(
      fc.property(submissions, (submission) => {
        expect(decoded(encodeSubmission(submission))).toEqual(plain(submission));
      }),
      { numRuns: 300 },
    );
  });

  it('reads from the middle of a larger buffer', () => {
    const encoded = encodeSubmission(sample);
    const larger = new Uint8Array(encoded.length + 20).fill(0xee);
    larger.set(encoded, 13);
    expect(decoded(larger.subarray(13, 13 + encoded.length))).toEqual(plain(sample));
  });

  it('encodes the head so that head and message are the whole', () => {
    expect(Buffer.concat([encodeHead(sample), sample.raw])).toEqual(encodeSubmission(sample));
  });

  it('tells the time of reception from the first octets', () => {
    const encoded = encodeSubmission(sample);
    expect(receivedAtOf(encoded.subarray(0, 8))).toEqual(sample.receivedAt);
    expect(receivedAtOf(encoded.subarray(0, 7))).toBeUndefined();
    expect(receivedAtOf(Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]))).toBeUndefined();
  });

  it('refuses a record cut at any octet, with the id as soon as that can be read', () => {
    const encoded = encodeSubmission(sample);
    const idEnds = 8 + 4 + sample.id.length;
    for (let length = 0; length < encoded.length; length += 1) {
      const result = decodeSubmission(encoded.subarray(0, length));
      expect(result).toMatchObject({ ok: false });
      expect('id' in result ? result.id : undefined).toBe(length < idEnds ? undefined : sample.id);
    }
  });

  it('refuses what follows the message', () => {
    const longer = Buffer.concat([encodeSubmission(sample), Buffer.from([0])]);
    expect(decodeSubmission(longer)).toEqual({ ok: false, reason: '1 octets too many', id: sample.id });
  });

  it('refuses another version, an unknown flag and a text that is not UTF-8', () => {
    const encoded = Buffer.from(encodeSubmission(sample));
    const changed = (offset: number, octet: number) => {
      const copy = Buffer.from(encoded);
      copy[offset] = octet;
      return decodeSubmission(copy);
    };
    expect(changed(0, 2)).toEqual({ ok: false, reason: 'unknown version 2' });
    expect(changed(1, 6)).toMatchObject({ ok: false, reason: 'unknown flags 6' });
    expect(changed(8 + 4 + 30 + 4, 0xff)).toMatchObject({ ok: false, reason: 'a text is not UTF-8' });
  });

  it('believes no count that the octets cannot hold', () => {
    const encoded = Buffer.from(encodeSubmission(sample));
    const countAt = encoded.indexOf(Buffer.from([0, 0, 0, 2, 0, 0, 0, 15]));
    encoded.writeUInt32BE(0xffffffff, countAt);
    expect(decodeSubmission(encoded)).toMatchObject({
      ok: false,
      reason: 'says 4294967295 recipients and is too short for them',
    });
  });

  it('never throws on octets that were changed or made up', () => {
    const encoded = encodeSubmission(sample);
    const mutations = fc.array(fc.tuple(fc.nat(encoded.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(mutations, (changes) => {
        const copy = Buffer.from(encoded);
        for (const [offset, octet] of changes) copy[offset] = octet;
        expect(typeof decodeSubmission(copy).ok).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(decodeSubmission(Uint8Array.from([1, ...octets])).ok).toBe(false);
      }),
    );
  });
});

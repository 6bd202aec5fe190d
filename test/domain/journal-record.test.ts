import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { frameRecord, headerBytes, isTorn, parseRecords } from '../../src/domain/journal-record.ts';

const marker = Buffer.from('5a17c0de9b3f2e41', 'hex');
const all = { records: Number.MAX_SAFE_INTEGER, isRest: true };

function framed(...payloads: readonly Uint8Array[]): Buffer {
  return Buffer.concat(payloads.flatMap((payload) => frameRecord(marker, [payload])));
}

function payloadsIn(bytes: Buffer): readonly string[] {
  return parseRecords(bytes, marker, all).records.map(({ frame }) => frame.subarray(4).toString('hex'));
}

const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 8 });

describe('the records of a segment', () => {
  it('are read back as they were written, also in parts', () => {
    fc.assert(
      fc.property(payloads, fc.nat(60), (written, cut) => {
        const bytes = Buffer.concat(
          written.flatMap((payload) =>
            frameRecord(marker, [payload.subarray(0, cut), payload.subarray(cut)]),
          ),
        );
        expect(payloadsIn(bytes)).toEqual(written.map((payload) => Buffer.from(payload).toString('hex')));
      }),
    );
  });

  it('lose none but the one that was hit when any octet is changed', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, place, change) => {
        const bytes = framed(...written);
        const hit = place % bytes.length;
        bytes[hit] = (bytes[hit] ?? 0) ^ change;
        let start = 0;
        const others = written.filter((payload) => {
          const end = start + headerBytes + payload.length;
          const isHit = start <= hit && hit < end;
          start = end;
          return !isHit;
        });
        expect(payloadsIn(bytes)).toEqual(others.map((payload) => Buffer.from(payload).toString('hex')));
      }),
      { numRuns: 500 },
    );
  });

  it('are never made out of anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(payloadsIn(Buffer.concat([marker, bytes]))).toEqual([]);
      }),
    );
  });

  it('do not come out of the text of a message that imitates another segment', () => {
    const foreign = frameRecord(Buffer.from('0011223344556677', 'hex'), [Buffer.from('forged')]);
    const bytes = framed(Buffer.from('one'), Buffer.concat(foreign), Buffer.from('three'));
    bytes[3 + headerBytes + 10] = 0xff;
    expect(payloadsIn(bytes)).toEqual(['one', 'three'].map((text) => Buffer.from(text).toString('hex')));
  });

  it('are asked for in full when only a part of them is there', () => {
    const bytes = framed(Buffer.alloc(20), Buffer.alloc(50));
    const part = { records: 10, isRest: false };
    expect(parseRecords(bytes.subarray(0, 40), marker, part)).toMatchObject({ used: 36, wants: headerBytes });
    expect(parseRecords(bytes.subarray(0, 90), marker, part)).toMatchObject({ used: 36, wants: 66 });
    bytes[36] = 0;
    expect(parseRecords(bytes.subarray(0, 90), marker, part)).toMatchObject({ used: 36, wants: 'rest' });
  });

  it('know an unfinished write from a record that was damaged', () => {
    const bytes = framed(Buffer.from('a whole record'));
    for (let length = 1; length < bytes.length; length += 1)
      expect(isTorn(bytes.subarray(0, length), marker)).toBe(true);
    expect(isTorn(Buffer.alloc(4096), marker)).toBe(true);
    expect(isTorn(bytes, marker)).toBe(false);
    expect(isTorn(Buffer.from('something else'), marker)).toBe(false);
  });
});

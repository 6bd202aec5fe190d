import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readData } from '../../../src/services/relay/data.ts';
import { cutAt, stuffed } from './octets.ts';

const limits = { maxMessageBytes: 200, maxLineBytes: 40 };

function read(pieces: readonly Buffer[], within = limits) {
  const kept: Buffer[] = [];
  const reader = readData(within, (octets) => kept.push(octets));
  for (const [n, piece] of pieces.entries()) {
    const step = reader(piece);
    if (step.state === 'bare') return { state: 'bare' };
    if (step.state !== 'end') continue;
    const rest = Buffer.concat([step.rest, ...pieces.slice(n + 1)]).toString('latin1');
    return { state: step.end, rest, message: step.end === 'complete' ? text(kept) : '' };
  }
  return { state: 'more', message: text(kept) };
}

function text(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString('latin1');
}

/** What RFC 5321 says, written down without any thought of speed. */
function readSlowly(octets: string) {
  const end = /(?:^|\r\n)\.\r\n/.exec(octets);
  const bare = /\r(?!\n|$)|(?<!\r)\n/s.exec(octets);
  if (bare && (!end || bare.index < end.index)) return { state: 'bare' };
  if (!end) return { state: 'more' };
  const raw = octets.slice(0, end.index + end[0].length - 3);
  const message = raw.replaceAll(/(^|\r\n)\./g, '$1');
  const rest = octets.slice(end.index + end[0].length);
  if (message.length > limits.maxMessageBytes) return { state: 'too-big', rest, message: '' };
  const isLong = message.split('\r\n').some((line) => line.length + 2 > limits.maxLineBytes);
  if (isLong) return { state: 'long-line', rest, message: '' };
  if (message.includes('\0')) return { state: 'nul', rest, message: '' };
  return { state: 'complete', rest, message };
}

const octets = fc
  .array(fc.constantFrom('\r\n', '\r\n.', '\r\n.\r\n', '\r', '\n', '.', 'a', 'a'.repeat(38), '\0', '..'), {
    maxLength: 14,
  })
  .map((parts) => parts.join(''));

describe('reading a message', () => {
  it('reads what the standard says, wherever the stream is cut', () => {
    fc.assert(
      fc.property(octets, fc.array(fc.nat(120), { maxLength: 8 }), (stream, cuts) => {
        const seen = read(cutAt(Buffer.from(stream, 'latin1'), cuts));
        const wanted = readSlowly(stream);

        expect(seen).toMatchObject(wanted);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives back every message that was dot-stuffed', () => {
    const line = fc.string({ unit: fc.constantFrom('.', 'a', ' ', 'ü'), maxLength: 9 });
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200), { maxLength: 5 }), (lines, cuts) => {
        const message = Buffer.from(lines.map((each) => `${each}\r\n`).join(''));
        const wide = { maxMessageBytes: 10_000, maxLineBytes: 1_000 };

        expect(read(cutAt(stuffed(message), cuts), wide)).toEqual({
          state: 'complete',
          rest: '',
          message: message.toString('latin1'),
        });
      }),
    );
  });

  it('hands out no more than the limit, and finds the end behind it', () => {
    const kept: Buffer[] = [];
    const reader = readData({ maxMessageBytes: 100, maxLineBytes: 1_000 }, (slice) => kept.push(slice));
    for (let n = 0; n < 50; n += 1) reader(Buffer.from('a line of sixteen\r\n'));

    expect(reader(Buffer.from('.\r\nQUIT\r\n'))).toMatchObject({ state: 'end', end: 'too-big' });
    expect(Buffer.concat(kept).length).toBeLessThanOrEqual(100);
  });
});

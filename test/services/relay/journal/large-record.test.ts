import { createHash, type Hash } from 'node:crypto';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { encodeSubmission } from '../../../../src/domain/submission-codec.ts';
import { origin } from '../../../../src/domain/journal-place.ts';
import { pieceBytes, piecesOf, type Streamed } from '../../../../src/services/relay/octets.ts';
import { openTestJournal, readAll, readIds, streamed, submission, temporaryDirectory } from './fixture.ts';

const stored = { kind: 'stored' };

/** Octets of which no two pieces are the same. */
function varied(bytes: number): Buffer {
  const octets = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) octets.writeUInt32BE(at, at);
  return octets;
}

const large = { ...submission(2), raw: varied(3 * pieceBytes + 1234) };
const digestOf = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex');
const expected = digestOf(encodeSubmission(large));

describe('a record that is too large for memory', () => {
  it('is written and read piece by piece, and is what it was, beside small ones of its group', async () => {
    await using directory = await temporaryDirectory();
    const sent = [submission(1), large, submission(3)];
    {
      await using first = await openTestJournal(directory.path, {
        config: { RELAY_JOURNAL_SEGMENT_BYTES: 10_000_000 },
      });
      const ends = sent.map((one) => first.journal.append(one === large ? streamed(large) : one));
      expect(await Promise.all(ends)).toEqual([stored, stored, stored]);
      expect(await readIds(first.journal)).toEqual(sent.map(({ id }) => id));
    }
    await using second = await openTestJournal(directory.path);
    const { payloads } = await readAll(second.journal);

    expect(payloads.map(digestOf)).toEqual(sent.map((one) => digestOf(encodeSubmission(one))));
    expect(await second.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
  });

  it('is never in memory as a whole, also when its octets are wanted more than once', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    await opened.journal.append(streamed(large));
    await opened.journal.append(submission(3));
    const { records, next } = await opened.journal.read(origin, { records: 9, bytes: 1_500 });
    const frame = records[0]?.frame as Streamed;
    expect(records).toHaveLength(1);
    for (const _ of ['once', 'again']) {
      const sum: Hash = createHash('sha256');
      let length = 0;
      for await (const piece of piecesOf(frame)) {
        expect(piece.length).toBeLessThanOrEqual(pieceBytes);
        sum.update(length === 0 ? piece.subarray(4) : piece);
        length += piece.length;
        await opened.journal.backlog();
      }
      expect(length).toBe(frame.length);
      expect(sum.digest('hex')).toBe(expected);
    }

    expect((await readIds(opened.journal, next)).length).toBe(1);
  });

  it('is set aside alone when any octet of it is damaged', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path, {
      config: { RELAY_JOURNAL_SEGMENT_BYTES: 10_000_000 },
    });
    const sent = [submission(1), streamed(large), submission(3)];
    for (const one of sent) expect(await opened.journal.append(one)).toEqual(stored);
    const name = (await readdir(directory.path)).find((file) => file.endsWith('.open')) ?? '';
    {
      await using file = await open(join(directory.path, name), 'r+');
      await file.write(Buffer.from('damage'), 0, 6, 2 * pieceBytes);
    }

    expect(await readIds(opened.journal)).toEqual([sent[0]?.id, sent[2]?.id]);
    expect(await opened.journal.setAsideCount()).toEqual({ refused: 0, damaged: 1 });
    const [kept = ''] = await readdir(join(directory.path, 'damaged'));
    expect((await readFile(join(directory.path, 'damaged', kept))).length).toBe(
      encodeSubmission(large).length + 16,
    );
  });

  it('is cut, and nothing else, when the relay was killed while it was written', async () => {
    await using directory = await temporaryDirectory();
    const config = { RELAY_JOURNAL_SEGMENT_BYTES: 10_000_000 };
    await using opened = await openTestJournal(directory.path, { config });
    await opened.journal.append(submission(1));
    await opened.journal.append(streamed(large));
    const name = (await readdir(directory.path)).find((file) => file.endsWith('.open')) ?? '';
    const bytes = await readFile(join(directory.path, name));
    await using crashed = await temporaryDirectory();
    await writeFile(join(crashed.path, name), bytes.subarray(0, bytes.length - pieceBytes - 7));
    await using again = await openTestJournal(crashed.path, { config });

    expect(await readIds(again.journal)).toHaveLength(1);
    expect(await again.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
  });

  it('is not stored when it cannot be read to its end, and what comes after it is', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    let reading = 0;
    const { beginning } = streamed(large).raw as Streamed;
    const rest = async function* () {
      reading += 1;
      yield large.raw.subarray(3, 100_000);
      if (reading === 2) throw new Error('EIO: read');
      yield large.raw.subarray(100_000);
    };
    const broken = { ...large, raw: { length: large.raw.length, beginning, rest } };
    expect(await opened.journal.append(submission(1))).toEqual(stored);
    expect(await opened.journal.append(broken)).toEqual({ kind: 'failed', why: 'EIO: read' });
    expect(await opened.journal.append(submission(3))).toEqual(stored);

    expect(await readIds(opened.journal)).not.toContain(large.id);
    expect(await readIds(opened.journal)).toHaveLength(2);
    expect(await opened.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
  });
});

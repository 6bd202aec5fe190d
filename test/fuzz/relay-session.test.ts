import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { cutAt } from '../services/relay/octets.ts';
import { speak } from '../services/relay/spoken.ts';

const folder = join(import.meta.dirname, '..', 'services', 'relay', 'transcripts');
const seconds = Number(process.env['FUZZ_SECONDS'] ?? '20');

/** What the client says in each recorded session. */
const recorded = readdirSync(folder)
  .map((name) => readFileSync(join(folder, name), 'utf8'))
  .filter((transcript) => transcript.includes('# private listener'))
  .map((transcript) =>
    transcript
      .split('\n')
      .flatMap((line) => (line.startsWith('C: ') ? [`${line.slice(3)}\r\n`] : raw(line)))
      .join(''),
  );

function raw(line: string): readonly string[] {
  if (!line.startsWith('R: ')) return [];
  const known: Record<string, string> = { r: '\r', n: '\n', 0: '\0' };
  return [line.slice(3).replaceAll(/\\([rn0])/g, (_, escape: string) => known[escape] ?? '')];
}

/** One careless or hostile change. */
const change = fc.record({
  at: fc.nat(2_000),
  remove: fc.nat(6),
  insert: fc.oneof(
    fc.constantFrom(
      '\r\n',
      '\n',
      '\r',
      '\0',
      '.',
      '\r\n.\r\n',
      '.\r\n',
      ' ',
      '<',
      '>',
      ':',
      '\xff',
      'RSET\r\n',
    ),
    fc.string({ maxLength: 4 }),
    fc.constant('x'.repeat(3_000)),
  ),
});

const session = fc
  .tuple(fc.constantFrom(...recorded), fc.constantFrom('', ...recorded), fc.array(change, { maxLength: 5 }))
  .map(([first, second, changes]) =>
    changes.reduce((text, { at, remove, insert }) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + insert + text.slice(place + remove);
    }, first + second),
  );

async function speakAll(pieces: readonly Buffer[], spillBytes: number) {
  const spoken = speak({ protection: 'private', spillBytes });
  for (const piece of pieces) spoken.conversation.hear(piece);
  spoken.conversation.hearEnd();
  await spoken.settled();
  expect(spoken.failures).toEqual([]);
  return { heard: spoken.heard(), kept: spoken.kept };
}

it(
  'a session that was changed at random ends, in well-formed replies, with as many messages kept as 250s said',
  async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(session, fc.array(fc.nat(3_000), { maxLength: 6 }), async (text, cuts) => {
        runs += 1;
        const octets = Buffer.from(text, 'latin1');
        const { heard, kept } = await speakAll([octets], 1_000_000);

        expect(heard).toMatch(/^(?:[2345]\d\d[ -][^\r\n]*\r\n)*(?:\(closed\)\r\n)$/);
        const queued = heard.match(/queued as (msg_\w+)/g) ?? [];
        expect(new Set(queued)).toEqual(new Set(kept.map(({ id }) => `queued as ${id}`)));
        expect((await speakAll(cutAt(octets, cuts), 30)).heard).toBe(heard);
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false },
    );
    console.log(`${runs} sessions in ${seconds} s`);
    expect(runs).toBeGreaterThan(100);
  },
  seconds * 1_000 + 30_000,
);

import { z } from 'zod';

import type { HttpEnd } from '../../../adapters/http.ts';

const results = z.object({
  results: z.array(
    z.discriminatedUnion('verdict', [
      z.object({ id: z.string(), verdict: z.literal('stored') }),
      z.object({ id: z.string(), verdict: z.literal('alias'), of: z.string() }),
      z.object({ id: z.string(), verdict: z.literal('refused'), reason: z.string() }),
    ]),
  ),
});

const tooLarge = 413;

export type RecordVerdict = z.output<typeof results>['results'][number];

/** What the api said to a batch. But for one too large record alone, only `judged` says anything about its records. */
export type Answer =
  | { readonly kind: 'judged'; readonly verdicts: readonly RecordVerdict[] }
  /** The api lives and refuses the request as such: a wrong token, too many requests, a request it does not know. */
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** Reads an answer to records with these ids, `unknown` where one could not be read. Anything that does not fit judges nothing. */
export function readAnswer(end: HttpEnd, ids: readonly string[]): Answer {
  if (end.end !== 'answered') return { kind: 'failed', why: end.why };
  if (end.status === 200) return judge(end.body, ids);
  const [only, second] = ids;
  if (end.status === tooLarge && only !== undefined && second === undefined) return refusalOf(only);
  const why = `the api answered ${end.status} to a batch`;
  return end.status >= 500 ? { kind: 'failed', why } : { kind: 'refused', status: end.status, why };
}

/** A request too large with a single record in it (RFC 9110 §15.5.14) says of this record that it will never be taken. */
function refusalOf(id: string): Answer {
  const reason = `the api answered ${tooLarge} to this message alone: it is too large`;
  return { kind: 'judged', verdicts: [{ id, verdict: 'refused', reason }] };
}

function judge(body: Buffer, ids: readonly string[]): Answer {
  const read = results.safeParse(parseJson(body.toString('utf8')));
  if (!read.success) return { kind: 'failed', why: 'the answer of the api cannot be read' };
  const verdicts = read.data.results;
  const fits = verdicts.length === ids.length && verdicts.every(({ id }, index) => id === ids[index]);
  return fits
    ? { kind: 'judged', verdicts }
    : { kind: 'failed', why: 'the answer of the api is about other records' };
}

/** A proxy's error page is no answer, and no reason to fail. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

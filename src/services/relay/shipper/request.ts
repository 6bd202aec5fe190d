import type { Clock } from '../../../adapters/clock.ts';
import type { Http, HttpEnd, HttpRequest } from '../../../adapters/http.ts';
import type { Secret } from '../../../domain/secret.ts';
import { idOfSubmission } from '../../../domain/submission-codec.ts';
import type { JournalRecord } from '../journal/reader.ts';
import { lengthBytes } from '../../../domain/journal-record.ts';
import { piecesOf } from '../octets.ts';

/** Where batches go. */
export interface Api {
  readonly http: Pick<Http, 'exchange'>;
  readonly clock: Clock;
  readonly url: string;
  readonly token: Secret;
}

/** Hands frames to the api. It ends within `withinMs` whatever the client below does. */
export async function postBatch(
  api: Api,
  records: readonly JournalRecord[],
  withinMs: number,
): Promise<HttpEnd> {
  const deadline = new AbortController();
  const late = api.clock
    .sleep(withinMs, deadline.signal)
    .then((): HttpEnd => ({ end: 'no-answer', why: `no answer within ${withinMs} ms` }));
  const exchange = api.http.exchange({
    method: 'POST',
    url: `${api.url}/internal/v1/submissions`,
    headers: {
      authorization: `Bearer ${api.token.reveal()}`,
      'content-type': 'application/vnd.mailctl.submissions',
    },
    body: bodyOf(records),
    withinMs,
  });
  return Promise.race([exchange, late]).finally(() => deadline.abort());
}

/** A record that is not in memory comes alone, and is not brought there. */
function bodyOf(records: readonly JournalRecord[]): NonNullable<HttpRequest['body']> {
  const frames = records.map(({ frame }) => frame);
  const inMemory = frames.filter((frame) => frame instanceof Uint8Array);
  const [first, second] = frames;
  if (first && !(first instanceof Uint8Array)) return { bytes: first.length, pieces: piecesOf(first) };
  return inMemory[0] && !second ? inMemory[0] : Buffer.concat(inMemory);
}

/** The id that the api will name a record by. */
export function idOf({ frame }: JournalRecord): string {
  const start = frame instanceof Uint8Array ? frame : frame.beginning;
  return idOfSubmission(start.subarray(lengthBytes)) ?? 'unknown';
}

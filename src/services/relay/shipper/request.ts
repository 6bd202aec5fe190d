import type { Clock } from '../../../adapters/clock.ts';
import type { Http, HttpEnd } from '../../../adapters/http.ts';
import type { Secret } from '../../../domain/secret.ts';
import { idOfSubmission } from '../../../domain/submission-codec.ts';
import type { JournalRecord } from '../journal/reader.ts';

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
  const [first, second] = records;
  const frames = records.map(({ frame }) => frame);
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
    body: first && !second ? first.frame : Buffer.concat(frames),
    withinMs,
  });
  return Promise.race([exchange, late]).finally(() => deadline.abort());
}

/** The id that the api will name a record by. */
export function idOf({ payload }: JournalRecord): string {
  return idOfSubmission(payload) ?? 'unknown';
}

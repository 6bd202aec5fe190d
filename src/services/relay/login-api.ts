import { z } from 'zod';

import type { Http } from '../../adapters/http.ts';
import type { Log } from '../../adapters/log.ts';
import type { Secret } from '../../domain/secret.ts';
import { credentialShape } from './credential-shape.ts';
import type { CheckLogin } from './credentials.ts';
import type { VerifyAnswer } from './session.ts';

const answer = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('accepted'),
    credential: credentialShape,
  }),
  z.object({ outcome: z.literal('refused'), code: z.string().optional() }),
]);

export interface LoginApiOptions {
  readonly http: Pick<Http, 'exchange'>;
  readonly url: string;
  /** Asked at each request: it rotates. */
  readonly token: () => Secret;
  readonly timeoutMs: number;
  readonly log: Log;
}

/** Asks the api about a login. Whatever is no clear answer is `unavailable`, and the log says why. */
export function checkLoginByApi({ http, url, token, timeoutMs, log }: LoginApiOptions): CheckLogin {
  return async ({ username, password }) => {
    const end = await http.exchange({
      method: 'POST',
      url: `${url}/internal/v1/smtp-auth`,
      headers: { authorization: `Bearer ${token().reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ username, password: password.reveal() }),
      withinMs: timeoutMs,
    });
    const why = end.end === 'answered' ? `it answered ${end.status}` : end.why;
    const read = end.end === 'answered' && end.status === 200 ? readAnswer(end.body) : undefined;
    if (!read) log.warn('the api did not say whether a login is right', { why });
    return read ?? { outcome: 'unavailable' };
  };
}

function readAnswer(body: Buffer): VerifyAnswer | undefined {
  const text = body.toString('utf8');
  const read = answer.safeParse(parseJson(text));
  if (!read.success || read.data.outcome === 'accepted') return read.data;
  return { outcome: read.data.code === 'key-expired' ? 'expired' : 'refused' };
}

/** A proxy's error page is no answer, and no reason to fail. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

import { z } from 'zod';

import type { Clock } from '../../adapters/clock.ts';
import type { Http } from '../../adapters/http.ts';
import type { Log } from '../../adapters/log.ts';
import type { Secret } from '../../domain/secret.ts';
import type { AskDomains, DomainsTold } from './senders.ts';

const answer = z.object({
  domains: z
    .object({
      names: z.array(z.string()),
      any: z.boolean(),
      sender_suffices: z.boolean(),
      age_ms: z.number(),
    })
    .nullable(),
  is_new: z.boolean(),
});

export interface SendersApiOptions {
  readonly http: Pick<Http, 'exchange'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly url: string;
  /** Asked at each request: it rotates. */
  readonly token: () => Secret;
  readonly timeoutMs: number;
  readonly log: Log;
}

/** Asks the api about the domains that Postal has verified. The log says when it begins to give no answer, and when it does again. */
export function askDomainsOfApi({ http, clock, url, token, timeoutMs, log }: SendersApiOptions): AskDomains {
  let isSilent = false;
  return async (anew) => {
    const end = await http.exchange({
      method: 'POST',
      url: `${url}/internal/v1/sender-domains`,
      headers: { authorization: `Bearer ${token().reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ anew }),
      withinMs: timeoutMs,
    });
    const told = end.end === 'answered' && end.status === 200 ? readTold(end.body, clock) : undefined;
    const why = end.end === 'answered' ? `it answered ${end.status}` : end.why;
    if (!told && !isSilent) log.warn('the api does not tell which domains Postal has verified', { why });
    if (told && isSilent) log.info('the api tells again which domains Postal has verified');
    isSilent = !told;
    return told;
  };
}

function readTold(body: Buffer, clock: Pick<Clock, 'now'>): DomainsTold | undefined {
  const read = answer.safeParse(parseJson(body.toString('utf8')));
  if (!read.success) return undefined;
  const { domains, is_new: isNew } = read.data;
  if (!domains) return { known: undefined, isNew };
  const { names, any, sender_suffices: senderSuffices, age_ms: ageMs } = domains;
  const seenAt = clock.now().getTime() - ageMs;
  return { known: { domains: { names: new Set(names), any, senderSuffices }, seenAt }, isNew };
}

/** A proxy's error page is no answer, and no reason to fail. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

import type { Http } from '../../adapters/http.ts';
import type { RelayConfig } from './room.ts';

interface Api {
  readonly http: Pick<Http, 'exchange'>;
  readonly config: Pick<RelayConfig, 'API_INTERNAL_URL' | 'API_INTERNAL_TOKEN' | 'API_INTERNAL_TIMEOUT'>;
}

/** Tells the api which secrets this relay holds, by fingerprint. Throws when the api did not take it; it is told again later. */
export async function reportHeld(
  { http, config }: Api,
  holder: string,
  held: ReadonlyMap<string, string>,
): Promise<void> {
  const ended = await http.exchange({
    method: 'POST',
    url: `${config.API_INTERNAL_URL}/internal/v1/held-secrets`,
    headers: {
      authorization: `Bearer ${config.API_INTERNAL_TOKEN.reveal()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ holder, held: Object.fromEntries(held) }),
    withinMs: config.API_INTERNAL_TIMEOUT,
  });
  if (ended.end !== 'answered') throw new Error(`the api does not know which secrets we hold: ${ended.why}`);
  if (ended.status !== 200) throw new Error(`the api does not know which secrets we hold: ${ended.status}`);
}

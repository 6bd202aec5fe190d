import type { Http } from '../../adapters/http.ts';
import type { RelayConfig } from './room.ts';

interface Keys {
  readonly config: Pick<RelayConfig, 'API_INTERNAL_TOKEN'>;
  /** Reads the keys anew. */
  looked(): Promise<void>;
}

/**
 * Asks the api; where it does not know our token, reads the keys anew and, if another one stands there now, asks once more with it. A relay
 * that slept through a whole rotation wakes up with a token that is no longer believed: no client is to hear of that.
 */
export function askingWithRenewedToken(
  http: Pick<Http, 'exchange'>,
  { config, looked }: Keys,
): Pick<Http, 'exchange'> {
  return {
    exchange: async (asked) => {
      const end = await http.exchange(asked);
      if (end.end !== 'answered' || end.status !== 401) return end;
      await looked();
      const authorization = `Bearer ${config.API_INTERNAL_TOKEN.reveal()}`;
      if (asked.headers?.['authorization'] === authorization) return end;
      return http.exchange({ ...asked, headers: { ...asked.headers, authorization } });
    },
  };
}

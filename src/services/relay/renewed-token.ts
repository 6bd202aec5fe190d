import type { Clock } from '../../adapters/clock.ts';
import type { Http } from '../../adapters/http.ts';
import type { RelayConfig } from './room.ts';

interface Keys {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly config: Pick<RelayConfig, 'API_INTERNAL_TOKEN' | 'RELAY_TOKEN_LOOK_INTERVAL'>;
  /** Reads the keys anew. */
  looked(): Promise<void>;
}

/**
 * Asks the api; where it does not know our token, reads the keys anew and, if another one stands there now, asks once more with it. A relay
 * that slept through a whole rotation wakes up with a token that is no longer believed: no client is to hear of that. Where the token stays
 * wrong, the keys are read once in `RELAY_TOKEN_LOOK_INTERVAL`, however often it is refused.
 */
export function askingWithRenewedToken(http: Pick<Http, 'exchange'>, keys: Keys): Pick<Http, 'exchange'> {
  const { config } = keys;
  const look = lookingRarely(keys);
  return {
    exchange: async (asked) => {
      const end = await http.exchange(asked);
      if (end.end !== 'answered' || end.status !== 401) return end;
      await look();
      const authorization = `Bearer ${config.API_INTERNAL_TOKEN.reveal()}`;
      if (asked.headers?.['authorization'] === authorization) return end;
      return http.exchange({ ...asked, headers: { ...asked.headers, authorization } });
    },
  };
}

/** Whoever comes while a look is under way waits for it; whoever comes soon after one has what that found. */
function lookingRarely({ clock, config, looked }: Keys): () => Promise<void> {
  let looking: Promise<void> | undefined;
  let dueAtMs = -Infinity;
  return () => {
    if (looking) return looking;
    if (clock.monotonicMs() < dueAtMs) return Promise.resolve();
    looking = looked().finally(() => {
      looking = undefined;
      dueAtMs = clock.monotonicMs() + config.RELAY_TOKEN_LOOK_INTERVAL;
    });
    return looking;
  };
}

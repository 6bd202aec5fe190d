import type { ConfigOf } from './environment.ts';
import { hasSink } from './profiles.ts';

/** How the DNS is asked; where the sink stands for the outside world, the sink is. */
export function dnsAddress(config: ConfigOf<'operator'>) {
  const { DNS_RESOLVER, DNS_AUTHORITATIVE, DNS_PORT, DNS_TIMEOUT, DNS_TRIES } = config;
  return {
    resolver: DNS_RESOLVER ?? (hasSink(config) ? config.SINK_ADDRESS : undefined),
    authoritative: DNS_AUTHORITATIVE,
    port: DNS_PORT,
    timeoutMs: DNS_TIMEOUT,
    tries: DNS_TRIES,
  };
}

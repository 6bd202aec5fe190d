import type { Listen } from '../../config/shapes.ts';
import type { Probe } from './check.ts';

/** What the relay says of itself. */
export function relayHealth({ config }: Probe): string {
  return ready(config.RELAY_HEALTH_LISTEN);
}

/** What the api says of itself. */
export function apiHealth({ config }: Probe): string {
  return ready(config.API_HEALTH_LISTEN);
}

/** What the worker says of itself. */
export function workerHealth({ config }: Probe): string {
  return ready(config.WORKER_HEALTH_LISTEN);
}

/** The timeline of the run's message. */
export function timeline({ config, found }: Probe): string {
  return `curl -H "Authorization: Bearer $API_KEY" ${config.API_URL}/v1/messages/${found.messageId ?? 'ID'}`;
}

function ready({ host, port }: Listen): string {
  return `curl http://${host.includes(':') ? `[${host}]` : host}:${port}/health/ready`;
}

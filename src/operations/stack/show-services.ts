import type { Container } from '../../adapters/container.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { hasSink } from '../../config/profiles.ts';
import { allServices } from './services.ts';

/** One service as reports show it. */
export interface ShownService {
  readonly name: string;
  readonly state: string;
  readonly health: string;
  readonly image: string;
  readonly started_at: string | null;
  readonly restarts: number;
}

/** The services by the order of starting, then those of the operator's own. */
export function showServices(containers: ReadonlyMap<string, Container>): readonly ShownService[] {
  return [...containers.values()]
    .toSorted((one, other) => order(one.service) - order(other.service))
    .map(({ service, state, health, image, startedAt, restarts, exitCode }) => ({
      name: service,
      state: state === 'exited' ? `exited (${exitCode})` : state,
      health,
      image,
      started_at: startedAt?.toISOString() ?? null,
      restarts,
    }));
}

function order(name: string): number {
  const index = allServices.findIndex((service) => service.name === name);
  return index < 0 ? allServices.length : index;
}

/** Where the platform is reached from outside. */
export function urlsOf(config: ConfigOf<'operator'>): Readonly<Record<string, string>> {
  const tls = config.TLS_SOURCE !== 'off';
  return {
    api: config.API_URL,
    postal: `${config.POSTAL_WEB_PROTOCOL}://${config.POSTAL_HOSTNAME}`,
    ...(hasSink(config) && { sink: `http://${config.SINK_ADDRESS}:8025` }),
    smtp: `${tls ? 'smtp+starttls' : 'smtp'}://${config.RELAY_HOSTNAME}:${config.PUBLISH_SUBMISSION}`,
  };
}

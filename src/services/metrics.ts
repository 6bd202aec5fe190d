import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry of one service's metrics; every name starts with `mailctl_`, every label set is bounded. */
export function openMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

export type { Registry } from 'prom-client';

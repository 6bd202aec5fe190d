import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A registry of one service's metrics; every name starts with `mailctl_`, every label set is bounded. */
export function openMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

interface Named<L extends string> {
  /** Starts with `mailctl_`, ends with its base unit. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
}

/** A figure that only grows; its name ends with `_total`. One that is counted very often is counted elsewhere and told in `collect`. */
export function counter<L extends string>(
  registry: Registry,
  {
    name,
    help,
    labels,
    collect,
  }: Named<L> & { readonly collect?: (this: Counter<L>) => void | Promise<void> },
): Counter<L> {
  return new Counter({ name, help, labelNames: labels, registers: [registry], ...(collect && { collect }) });
}

/** A figure that goes up and down; `collect` sets it whenever it is asked for. */
export function gauge<L extends string>(
  registry: Registry,
  { name, help, labels, collect }: Named<L> & { readonly collect?: (this: Gauge<L>) => void | Promise<void> },
): Gauge<L> {
  return new Gauge({ name, help, labelNames: labels, registers: [registry], ...(collect && { collect }) });
}

/** How values, in base units, spread over `buckets`. */
export function histogram<L extends string>(
  registry: Registry,
  { name, help, labels, buckets }: Named<L> & { readonly buckets: readonly number[] },
): Histogram<L> {
  return new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [registry] });
}

export { Gauge };
export type { Counter, Histogram, Registry } from 'prom-client';

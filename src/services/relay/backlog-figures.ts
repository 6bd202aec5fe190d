import type { Clock } from '../../adapters/clock.ts';
import { gauge, type Registry } from '../metrics.ts';
import type { Journal } from './journal/journal.ts';
import type { Shipper } from './shipper/shipper.ts';

/** Registers what waits in the journal, what was set aside, and how shipping goes. */
export function openBacklogFigures(
  registry: Registry,
  journal: Journal,
  shipper: Shipper,
  clock: Clock,
): void {
  single(
    registry,
    'mailctl_relay_backlog_records',
    'Accepted messages the api does not have yet',
    async () => {
      return (await journal.backlog()).records;
    },
  );
  single(registry, 'mailctl_relay_backlog_bytes', 'Octets of those messages', async () => {
    return (await journal.backlog()).bytes;
  });
  single(registry, 'mailctl_relay_backlog_oldest_age_seconds', 'Age of the oldest of them', async () => {
    return ageSeconds((await journal.backlog()).oldest, clock);
  });
  single(registry, 'mailctl_relay_circuit_closed', '1 while the api is asked as usual', () =>
    Number(shipper.circuit() === 'closed'),
  );
  single(
    registry,
    'mailctl_relay_refused',
    '1 while the api refuses the relay itself: nothing is shipped',
    () => Number(shipper.refusal() !== undefined),
  );
  openShippingFigures(registry, journal, shipper);
}

function openShippingFigures(registry: Registry, journal: Journal, shipper: Shipper): void {
  byKind(registry, 'mailctl_relay_set_aside_records', 'Records set aside, by why', () =>
    journal.setAsideCount(),
  );
  byKind(registry, 'mailctl_relay_shipped_records', 'Verdicts of the api since the start', () => {
    return shipper.figures().records;
  });
  byKind(registry, 'mailctl_relay_shipping_requests', 'Requests to the api since the start', () => {
    return shipper.figures().requests;
  });
}

function single(registry: Registry, name: string, help: string, read: () => number | Promise<number>): void {
  gauge(registry, {
    name,
    help,
    labels: [],
    async collect() {
      this.set(await read());
    },
  });
}

function ageSeconds(oldest: Date | undefined, clock: Clock): number {
  return oldest ? Math.max(0, (clock.now().getTime() - oldest.getTime()) / 1000) : 0;
}

type Counts = Readonly<Record<string, number>>;

function byKind(registry: Registry, name: string, help: string, read: () => Counts | Promise<Counts>): void {
  gauge(registry, {
    name,
    help,
    labels: ['kind'],
    async collect() {
      for (const [kind, count] of Object.entries(await read())) this.set({ kind }, count);
    },
  });
}

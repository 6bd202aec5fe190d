import type { Clock } from '../../adapters/clock.ts';
import type { Probe } from '../health.ts';
import { gauge, type Registry } from '../metrics.ts';

/** The leases of a worker as they stand now. */
export interface LeaseFigures {
  readonly held: number;
  /** Of those, whose time is over by our clock though their hand-over has not ended. */
  readonly overdue: number;
  /** Undefined when none was renewed yet. */
  readonly sinceRenewalMs: number | undefined;
}

/** Whether leases are renewed before something is sent under them. */
export interface LeaseWatch {
  /** Messages were claimed. */
  claimed(ids: readonly string[]): void;
  /** A lease was renewed right before a request, or could not be. */
  renewal(id: string, isRenewed: boolean): void;
  /** Their hand-over ended, or they were given back. */
  ended(ids: readonly string[]): void;
  figures(): LeaseFigures;
  readonly probe: Probe;
}

interface Times {
  readonly leaseMs: number;
  /** Renewals that fail for so long, none of them succeeding, are no accident. */
  readonly stallMs: number;
}

/** Opens a watch. It finds nothing wrong with a worker that has nothing to renew. */
export function openLeaseWatch({ leaseMs, stallMs }: Times, clock: Pick<Clock, 'monotonicMs'>): LeaseWatch {
  const endsMs = new Map<string, number>();
  let renewedMs: number | undefined;
  let failing: { readonly sinceMs: number; readonly lastMs: number } | undefined;
  const figures = (): LeaseFigures => {
    const nowMs = clock.monotonicMs();
    const overdue = [...endsMs.values()].filter((endMs) => endMs < nowMs).length;
    const sinceRenewalMs = renewedMs === undefined ? undefined : nowMs - renewedMs;
    return { held: endsMs.size, overdue, sinceRenewalMs };
  };
  return {
    claimed: (ids) => ids.forEach((id) => endsMs.set(id, clock.monotonicMs() + leaseMs)),
    renewal: (id, isRenewed) => {
      const nowMs = clock.monotonicMs();
      if (!isRenewed) {
        failing = { sinceMs: failing?.sinceMs ?? nowMs, lastMs: nowMs };
        return;
      }
      [renewedMs, failing] = [nowMs, undefined];
      endsMs.set(id, nowMs + leaseMs);
    },
    ended: (ids) => ids.forEach((id) => endsMs.delete(id)),
    figures,
    probe: async () => {
      if (!failing || failing.lastMs - failing.sinceMs <= stallMs) return { ok: true };
      if (clock.monotonicMs() - failing.lastMs > stallMs) return { ok: true };
      const { held, overdue, sinceRenewalMs } = figures();
      const last = sinceRenewalMs === undefined ? 'none was' : `the last was ${seconds(sinceRenewalMs)} ago`;
      const forSo = seconds(failing.lastMs - failing.sinceMs);
      const why = `no lease could be renewed for ${forSo}, ${last}; ${held} held, ${overdue} overdue: see the log of the worker`;
      return { ok: false, why };
    },
  };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** Registers the figures; each look at the metrics asks for them. */
export function leaseGauges(registry: Registry, look: () => LeaseFigures): void {
  const named = (name: string, help: string, of: (figures: LeaseFigures) => number | undefined) =>
    gauge(registry, {
      name,
      help,
      labels: [],
      collect() {
        const value = of(look());
        if (value !== undefined) this.set(value);
      },
    });
  named('mailctl_leases_held', 'Messages that this worker has claimed', ({ held }) => held);
  named(
    'mailctl_leases_overdue',
    'Claimed messages whose lease is over though their hand-over has not ended',
    ({ overdue }) => overdue,
  );
  named(
    'mailctl_lease_renewal_age_seconds',
    'Time since a lease was last renewed, right before a request to Postal; 0 until one was',
    ({ sinceRenewalMs }) => sinceRenewalMs && sinceRenewalMs / 1000,
  );
}

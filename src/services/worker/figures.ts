import type { Handover, LaneProblem } from '../../domain/delivery.ts';
import type { Reconciled } from '../../upkeep/reconcile/reconcile.ts';
import { counter, gauge, type Registry } from '../metrics.ts';

/** What the queue looks like now; upkeep sets it. */
export interface Depths {
  readonly due: number;
  readonly oldestSeconds: number;
  readonly webhooksWaiting: number;
  readonly webhooksDead: number;
  readonly webhooksOldestSeconds: number;
  readonly digestNew: number;
  readonly quarantined: number;
  readonly uncertain: number;
  readonly held: number;
  readonly endpointsClosed: number;
}

/** How recipients fared in one try: as the hand-over ended, or without one. */
export type DeliveryResult = Handover['outcome'] | 'gave-up' | 'not-begun' | 'suppressed';

/** What became of one of Postal's webhooks. */
export type DigestResult = 'recorded' | 'repeated' | 'ignored' | 'platform' | 'quarantined';

/** How one attempt to send a webhook to AMS ended. */
export type WebhookResult = 'delivered' | 'retried' | 'dead' | 'gone';

/** The worker's metrics, as the functions that its loops count with. */
export interface Figures {
  readonly delivered: (result: DeliveryResult, recipients: number) => void;
  readonly digested: (event: string, result: DigestResult) => void;
  readonly sent: (result: WebhookResult) => void;
  readonly blocked: (problem: LaneProblem | undefined) => void;
  readonly breaker: (state: (typeof states)[number]) => void;
  readonly depths: (depths: Depths) => void;
  readonly reconciled: (found: Pick<Reconciled, 'missing' | 'until' | 'absent'>) => void;
}

const problems = [
  'unreachable',
  'invalid-key',
  'access-denied',
  'suspended',
  'wrong-host',
] as const satisfies LaneProblem[];
const states = ['closed', 'open', 'half-open'] as const;

/** Registers the worker's metrics. `progress` is asked for the seconds since each loop's last progress. */
export function openFigures(registry: Registry, progress: () => Readonly<Record<string, number>>): Figures {
  registerProgress(registry, progress);
  const deliveries = counter<'outcome'>(registry, {
    name: 'mailctl_deliveries_total',
    help: 'Recipients handed to Postal, by how it ended',
    labels: ['outcome'],
  });
  const events = counter<'event' | 'result'>(registry, {
    name: 'mailctl_postal_events_total',
    help: "Postal's webhooks worked out, by event and result",
    labels: ['event', 'result'],
  });
  const webhooks = counter<'result'>(registry, {
    name: 'mailctl_webhook_out_total',
    help: 'Attempts to send a webhook to AMS, by result',
    labels: ['result'],
  });
  return {
    delivered: (outcome, recipients) => deliveries.inc({ outcome }, recipients),
    digested: (event, result) => events.inc({ event: known(event), result }),
    sent: (result) => webhooks.inc({ result }),
    blocked: blockGauge(registry),
    breaker: breakerGauge(registry),
    depths: depthGauges(registry),
    reconciled: reconcileFigures(registry),
  };
}

function registerProgress(registry: Registry, progress: () => Readonly<Record<string, number>>): void {
  gauge<'loop'>(registry, {
    name: 'mailctl_loop_progress_age_seconds',
    help: 'Time since a loop last made progress',
    labels: ['loop'],
    collect() {
      for (const [loop, seconds] of Object.entries(progress())) this.set({ loop }, seconds);
    },
  });
}

const postalEvents = new Set([
  'MessageSent',
  'MessageDelayed',
  'MessageDeliveryFailed',
  'MessageHeld',
  'MessageBounced',
  'MessageLoaded',
  'MessageLinkClicked',
  'DomainDNSError',
  'SendLimitApproaching',
  'SendLimitExceeded',
  'InboundMail',
]);

function known(event: string): string {
  return postalEvents.has(event) ? event : 'other';
}

function blockGauge(registry: Registry): Figures['blocked'] {
  const blocked = gauge<'problem'>(registry, {
    name: 'mailctl_sending_blocked',
    help: '1 while nothing gets through to Postal, by the problem',
    labels: ['problem'],
  });
  const set: Figures['blocked'] = (problem) => {
    for (const each of problems) blocked.set({ problem: each }, each === problem ? 1 : 0);
  };
  set(undefined);
  return set;
}

function reconcileFigures(registry: Registry): Figures['reconciled'] {
  const events = counter<'event'>(registry, {
    name: 'mailctl_postal_events_reconciled_total',
    help: "Events that no webhook told and that were found in Postal's databases",
    labels: ['event'],
  });
  const until = gauge(registry, {
    name: 'mailctl_postal_compared_until_timestamp_seconds',
    help: "Time up to which Postal's databases have been compared",
    labels: [],
  });
  const absent = gauge(registry, {
    name: 'mailctl_postal_recipients_absent',
    help: 'Recipients that Postal had taken and of which its databases know nothing any more',
    labels: [],
  });
  return (found) => {
    for (const [event, count] of Object.entries(found.missing)) events.inc({ event }, count);
    until.set(found.until.getTime() / 1000);
    absent.set(found.absent);
  };
}

function breakerGauge(registry: Registry): Figures['breaker'] {
  const breaker = gauge<'state'>(registry, {
    name: 'mailctl_postal_breaker',
    help: 'The state of the circuit breaker around Postal: 1 for the one it is in',
    labels: ['state'],
  });
  const set: Figures['breaker'] = (state) => {
    for (const each of states) breaker.set({ state: each }, each === state ? 1 : 0);
  };
  set('closed');
  return set;
}

function depthGauges(registry: Registry): Figures['depths'] {
  const named = (name: string, help: string) => gauge(registry, { name, help, labels: [] });
  const all = {
    due: named('mailctl_queue_due', 'Messages that are due for Postal'),
    oldestSeconds: named('mailctl_queue_oldest_age_seconds', 'How long the oldest due message has waited'),
    webhooksWaiting: named('mailctl_webhook_out_waiting', 'Webhooks to AMS that wait'),
    webhooksDead: named('mailctl_webhook_out_dead', 'Webhooks to AMS in the dead-letter list'),
    webhooksOldestSeconds: named(
      'mailctl_webhook_out_oldest_age_seconds',
      'How long the oldest due webhook to AMS has waited',
    ),
    digestNew: named('mailctl_postal_events_new', "Postal's webhooks that are not worked out yet"),
    quarantined: named('mailctl_postal_events_quarantined', "Postal's webhooks in quarantine"),
    uncertain: named('mailctl_recipients_uncertain', 'Recipients that Postal may have or not'),
    held: named('mailctl_recipients_held', 'Recipients that wait for an operator, here or at Postal'),
    endpointsClosed: named(
      'mailctl_webhook_endpoints_closed',
      'Endpoints of AMS that are left alone because they failed several times in a row',
    ),
  } as const satisfies Record<keyof Depths, unknown>;
  return (depths) => {
    for (const [name, each] of Object.entries(all)) {
      if (isDepth(name)) each.set(depths[name]);
    }
  };

  function isDepth(name: string): name is keyof Depths {
    return name in all;
  }
}

import type { Clock } from '../../adapters/clock.ts';
import type { EndpointStanding } from '../../store/webhook-deliveries.ts';
import {
  type Breaker,
  type BreakerSettings,
  type CallOutcome,
  openBreaker,
  type Ticket,
} from '../breaker.ts';

/** Who keeps endpoints apart, so that a dead one slows no other. */
export interface EndpointGates {
  /** How each endpoint that was sent something fares. */
  standings(): ReadonlyMap<string, EndpointStanding>;
  /** Leave for one webhook; undefined while the endpoint is left alone. */
  enter(endpointId: string): Ticket | undefined;
  leave(endpointId: string, ticket: Ticket, outcome: CallOutcome): void;
  /** How many endpoints are left alone now. */
  closed(): number;
}

interface Gate {
  readonly breaker: Breaker;
  under: number;
  /** Its last call failed: one at a time, until it answers. */
  isFailing: boolean;
}

/** A breaker and a count of what is under way for each endpoint. */
export function openGates(perEndpoint: number, settings: BreakerSettings, clock: Clock): EndpointGates {
  const gates = new Map<string, Gate>();
  const gateOf = (endpointId: string): Gate => {
    const known = gates.get(endpointId);
    if (known) return known;
    const gate = { breaker: openBreaker(settings, clock), under: 0, isFailing: false };
    gates.set(endpointId, gate);
    return gate;
  };
  return {
    standings: () => new Map([...gates].map(([id, gate]) => [id, standingOf(gate, perEndpoint)])),
    enter: (endpointId) => {
      const gate = gateOf(endpointId);
      const admission = gate.breaker.admit();
      if ('waitMs' in admission) return undefined;
      gate.under += 1;
      return admission.ticket;
    },
    leave: (endpointId, ticket, outcome) => {
      const gate = gateOf(endpointId);
      gate.under -= 1;
      gate.breaker.settle(ticket, outcome);
      if (outcome !== 'unused') gate.isFailing = outcome === 'failed';
    },
    closed: () => [...gates.values()].filter(({ breaker }) => breaker.state() !== 'closed').length,
  };
}

function standingOf({ breaker, under, isFailing }: Gate, perEndpoint: number): EndpointStanding {
  const most = isFailing || breaker.state() !== 'closed' ? 1 : perEndpoint;
  return { room: breaker.restMs() > 0 ? 0 : Math.max(0, most - under), under, isFailing };
}

import type { Clock } from '../../adapters/clock.ts';
import {
  type Breaker,
  type BreakerSettings,
  type CallOutcome,
  openBreaker,
  type Ticket,
} from '../breaker.ts';

/** Who keeps endpoints apart, so that a dead one slows no other. */
export interface EndpointGates {
  /** How many webhooks each known endpoint may be sent now. */
  room(): ReadonlyMap<string, number>;
  /** How many each known endpoint is being sent. */
  under(): ReadonlyMap<string, number>;
  /** Leave for one webhook; undefined while the endpoint is left alone. */
  enter(endpointId: string): Ticket | undefined;
  leave(endpointId: string, ticket: Ticket, outcome: CallOutcome): void;
  /** How many endpoints are left alone now. */
  closed(): number;
}

interface Gate {
  readonly breaker: Breaker;
  under: number;
}

/** A breaker and a count of what is under way for each endpoint. */
export function openGates(perEndpoint: number, settings: BreakerSettings, clock: Clock): EndpointGates {
  const gates = new Map<string, Gate>();
  const gateOf = (endpointId: string): Gate => {
    const known = gates.get(endpointId);
    if (known) return known;
    const gate = { breaker: openBreaker(settings, clock), under: 0 };
    gates.set(endpointId, gate);
    return gate;
  };
  return {
    room: () => new Map([...gates].map(([id, gate]) => [id, roomOf(gate, perEndpoint)])),
    under: () => new Map([...gates].map(([id, { under }]) => [id, under])),
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
    },
    closed: () => [...gates.values()].filter(({ breaker }) => breaker.state() !== 'closed').length,
  };
}

function roomOf({ breaker, under }: Gate, perEndpoint: number): number {
  if (breaker.state() === 'closed') return Math.max(0, perEndpoint - under);
  return under > 0 || breaker.restMs() > 0 ? 0 : 1;
}

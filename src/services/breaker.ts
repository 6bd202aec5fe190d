import type { Clock } from '../adapters/clock.ts';

/** How a circuit decides; all times in milliseconds. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open the first time; doubled by each probe that fails, up to `longestOpenMs`. */
  readonly openMs: number;
  readonly longestOpenMs: number;
  /** After this a probe that has not answered counts as failed. */
  readonly probeMs: number;
}

/** Where a circuit stands. `turn` grows with every change of state, so that late answers are known as such. */
export type Circuit =
  | { readonly at: 'closed'; readonly turn: number; readonly failures: number }
  | { readonly at: 'open'; readonly turn: number; readonly untilMs: number; readonly openMs: number }
  | {
      readonly at: 'half-open';
      readonly turn: number;
      readonly probeEndsMs: number;
      readonly openMs: number;
    };

/** The leave to make one call; it is given back to `settle` with what became of the call. */
export interface Ticket {
  readonly turn: number;
  readonly isProbe: boolean;
}

/**
 * `answered` is any answer at all, a 4xx too: the far side lives. `failed` is none, a timeout, or a 5xx. `unused` says that no call was
 * made after all: it tells nothing, and a probe's leave is anybody's again.
 */
export type CallOutcome = 'answered' | 'failed' | 'unused';

export type Admission =
  | { readonly circuit: Circuit; readonly ticket: Ticket }
  | { readonly circuit: Circuit; readonly waitMs: number };

const closedCircuit: Circuit = { at: 'closed', turn: 0, failures: 0 };

/** Decides whether a call may be made now. Half-open lets one probe pass, and forgets it once its time is over. */
function admit(circuit: Circuit, nowMs: number, settings: BreakerSettings): Admission {
  const current = expireProbe(circuit, nowMs, settings);
  if (current.at === 'closed') return { circuit: current, ticket: { turn: current.turn, isProbe: false } };
  if (current.at === 'half-open') return { circuit: current, waitMs: current.probeEndsMs - nowMs };
  if (nowMs < current.untilMs) return { circuit: current, waitMs: current.untilMs - nowMs };
  const turn = current.turn + 1;
  const probeEndsMs = nowMs + settings.probeMs;
  return {
    circuit: { at: 'half-open', turn, probeEndsMs, openMs: current.openMs },
    ticket: { turn, isProbe: true },
  };
}

/** Takes in what became of a call. A ticket of an earlier turn changes nothing: its news is old. */
function settle(
  circuit: Circuit,
  call: { readonly ticket: Ticket; readonly outcome: CallOutcome },
  nowMs: number,
  settings: BreakerSettings,
): Circuit {
  const current = expireProbe(circuit, nowMs, settings);
  if (call.ticket.turn !== current.turn || current.at === 'open') return current;
  if (call.outcome === 'unused')
    return current.at === 'closed' ? current : open(current, nowMs, current.openMs);
  if (call.outcome === 'answered')
    return current.at === 'closed'
      ? { ...current, failures: 0 }
      : { at: 'closed', turn: current.turn + 1, failures: 0 };
  if (current.at === 'half-open') return reopen(current, nowMs, settings);
  if (current.failures + 1 < settings.failures) return { ...current, failures: current.failures + 1 };
  return open(current, nowMs + settings.openMs, settings.openMs);
}

function expireProbe(circuit: Circuit, nowMs: number, settings: BreakerSettings): Circuit {
  if (circuit.at !== 'half-open' || nowMs < circuit.probeEndsMs) return circuit;
  return reopen(circuit, circuit.probeEndsMs, settings);
}

function reopen(
  circuit: Extract<Circuit, { at: 'half-open' }>,
  fromMs: number,
  settings: BreakerSettings,
): Circuit {
  const openMs = Math.min(circuit.openMs * 2, settings.longestOpenMs);
  return open(circuit, fromMs + openMs, openMs);
}

function open({ turn }: Circuit, untilMs: number, openMs: number): Circuit {
  return { at: 'open', turn: turn + 1, untilMs, openMs };
}

function restMs(circuit: Circuit, nowMs: number, settings: BreakerSettings): number {
  const current = expireProbe(circuit, nowMs, settings);
  if (current.at === 'closed') return 0;
  return Math.max(0, (current.at === 'open' ? current.untilMs : current.probeEndsMs) - nowMs);
}

/** A circuit that is kept: one for each far side. */
export interface Breaker {
  /** Leave for one call, or how long to wait before asking again. */
  admit(): { readonly ticket: Ticket } | { readonly waitMs: number };
  settle(ticket: Ticket, outcome: CallOutcome): void;
  /** Milliseconds until it is worth asking for leave; 0 when it would be given. */
  restMs(): number;
  state(): Circuit['at'];
}

/** Keeps one circuit on the clock's growing time and tells each change of state. */
export function openBreaker(
  settings: BreakerSettings,
  clock: Pick<Clock, 'monotonicMs'>,
  changed: (to: Circuit['at'], from: Circuit['at']) => void = () => undefined,
): Breaker {
  let circuit = closedCircuit;
  const become = (next: Circuit): void => {
    const before = circuit.at;
    circuit = next;
    if (next.at !== before) changed(next.at, before);
  };
  return {
    admit: () => {
      const admission = admit(circuit, clock.monotonicMs(), settings);
      become(admission.circuit);
      return admission;
    },
    settle: (ticket, outcome) => become(settle(circuit, { ticket, outcome }, clock.monotonicMs(), settings)),
    restMs: () => restMs(circuit, clock.monotonicMs(), settings),
    state: () => circuit.at,
  };
}

import type { Clock } from '../../adapters/clock.ts';
import { type ClaimedDomains, type SenderDomains, unverifiedDomain } from '../../domain/sender-domains.ts';
import type { Soon } from './answers.ts';
import type { Said } from './replies.ts';

/** Verified domains, and when somebody last looked at them in Postal. */
export interface KnownDomains {
  readonly domains: SenderDomains;
  /** Milliseconds since 1970, by the clock of the relay. */
  readonly seenAt: number;
}

/** What the api says of the domains; `known` is undefined where nobody has access to Postal's database. */
export interface DomainsTold {
  readonly known: KnownDomains | undefined;
  /** Whether somebody looked after the question. */
  readonly isNew: boolean;
}

/** Asks the api, with `anew` for a look that begins now. Undefined where it gives no clear answer. */
export type AskDomains = (anew: boolean) => Promise<DomainsTold | undefined>;

/** Refuses what Postal would refuse later: a sender of a domain that is not verified. */
export interface SenderCheck {
  refusalOf(claimed: ClaimedDomains): Soon<Said | undefined>;
  /** Age of what is known; undefined while no sender is checked. */
  ageMs(): number | undefined;
  /** Learns what changed. */
  refresh(): Promise<void>;
}

export interface SendersOptions {
  readonly ask: AskDomains;
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
  /** How long nothing is asked again after a look in vain. */
  readonly intervalMs: number;
  /** How long the last look holds where there is no newer one. */
  readonly staleMs: number;
  /** What is known has changed. */
  changed(known: KnownDomains | undefined): void;
}

interface State {
  readonly options: SendersOptions;
  known: KnownDomains | undefined;
  asked: Promise<boolean> | undefined;
  vainUntilMs: number;
}

/**
 * Opens the check with what an earlier process knew. While nothing is known nothing is refused. A domain that is not among the known ones is
 * asked about once more: only a look that began after its message refuses it for good; where none can be had, it is put off for `staleMs`.
 */
export function openSenders(options: SendersOptions, known: KnownDomains | undefined): SenderCheck {
  const state: State = { options, known, asked: undefined, vainUntilMs: 0 };
  return {
    refusalOf: (claimed) => (foreignIn(state, claimed) === undefined ? undefined : judge(state, claimed)),
    ageMs: () => {
      const age = ageOf(state);
      return age < options.staleMs ? age : undefined;
    },
    refresh: async () => void learn(state, await options.ask(false)),
  };
}

async function judge(state: State, claimed: ClaimedDomains): Promise<Said | undefined> {
  const isNew = await anew(state);
  const domain = foreignIn(state, claimed);
  if (domain === undefined) return undefined;
  if (isNew) return { reply: 'senderUnverified', values: { domain } };
  return ageOf(state) < state.options.staleMs ? { reply: 'senderUnknown', values: { domain } } : undefined;
}

function foreignIn({ known }: State, claimed: ClaimedDomains): string | undefined {
  return known && unverifiedDomain(claimed, known.domains);
}

/** A question under way may be older than the message: it is waited for, and the next one shared. */
async function anew(state: State): Promise<boolean> {
  await state.asked;
  state.asked ??= askAnew(state).finally(() => {
    state.asked = undefined;
  });
  return state.asked;
}

async function askAnew(state: State): Promise<boolean> {
  const { ask, clock, intervalMs } = state.options;
  if (clock.monotonicMs() < state.vainUntilMs) return false;
  const told = await ask(true);
  learn(state, told);
  if (told?.isNew) return true;
  state.vainUntilMs = clock.monotonicMs() + intervalMs;
  return false;
}

function learn(state: State, told: DomainsTold | undefined): void {
  if (!told) return;
  state.known = told.known;
  state.options.changed(told.known);
}

/** Infinite where nothing is known; a clock that was put back makes nothing younger than now. */
function ageOf({ known, options }: State): number {
  return known ? Math.max(0, options.clock.now().getTime() - known.seenAt) : Number.POSITIVE_INFINITY;
}

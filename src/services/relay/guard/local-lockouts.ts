import type { Clock } from '../../../adapters/clock.ts';
import {
  addFailure,
  type Attempt,
  type CountedSubject,
  countedSubjects,
  type FailureRecord,
  loginNetworkOf,
  type LockoutRules,
  originSubjects,
  type Subject,
} from '../../../domain/lockout.ts';
import { type BoundedMap, openBoundedMap } from './bounded-map.ts';
import type { Acquaintance } from './known-networks.ts';

/** How an attempt stands before its password is looked at. */
export interface Standing {
  readonly isLocked: boolean;
  /** Whether the user logged in from this network before. */
  readonly isKnown: boolean;
}

/** A login whose password was wrong. `guess` is a keyed digest of user name and password. */
export interface Failure {
  readonly attempt: Attempt;
  readonly isKnown: boolean;
  readonly guess: string;
}

/** What another counter may take over from this one. */
export interface Findings {
  readonly locks: readonly { readonly subject: Subject; readonly leftMs: number }[];
  readonly known: readonly Acquaintance[];
}

/** What this process alone has counted. It knows no bans of the operator. */
export interface LocalLockouts {
  isTurnedAway(address: string): boolean;
  findStanding(attempt: Attempt): Standing;
  /** Counts the same guess once in a window. Returns what it locked. */
  countFailure(failure: Failure, rules: LockoutRules): readonly CountedSubject[];
  /** True when it is news that the user is at home in this network, or nearly forgotten. */
  countSuccess(attempt: Attempt, rules: LockoutRules): boolean;
  /** Takes over what an earlier process knew. */
  learn(known: readonly Acquaintance[], rules: LockoutRules): void;
  findings(): Findings;
  /** Lifts locks that somebody else keeps, or does not keep, from now on. */
  release(subjects: readonly Subject[]): void;
}

interface State {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly records: BoundedMap<FailureRecord & { readonly subject: Subject }>;
  /** When each guess, and each acquaintance of a user with a network, is forgotten. */
  readonly guesses: BoundedMap<number>;
  readonly known: BoundedMap<{ readonly attempt: Attempt; readonly untilMs: number }>;
}

/** Opens the memory of one process; each of its lists has at most `capacity` entries. */
export function openLocalLockouts(clock: Pick<Clock, 'monotonicMs'>, capacity: number): LocalLockouts {
  const state: State = {
    clock,
    records: openBoundedMap(capacity),
    guesses: openBoundedMap(capacity),
    known: openBoundedMap(capacity),
  };
  return {
    isTurnedAway: (address) => originSubjects(address).some((subject) => isLockedNow(state, subject)),
    findStanding: (attempt) => findStanding(state, attempt),
    countFailure: (failure, rules) => countFailure(state, failure, rules),
    countSuccess: (attempt, rules) => countSuccess(state, attempt, rules),
    learn: (known, rules) => learn(state, known, rules),
    findings: () => findings(state),
    release: (subjects) => subjects.forEach((subject) => release(state, subject)),
  };
}

function findStanding(state: State, attempt: Attempt): Standing {
  const isKnown = isAcquainted(state, attempt);
  const isLocked = countedSubjects(attempt, isKnown).some(({ subject }) => isLockedNow(state, subject));
  return { isLocked, isKnown };
}

function countFailure(
  state: State,
  { attempt, isKnown, guess }: Failure,
  rules: LockoutRules,
): readonly CountedSubject[] {
  const now = state.clock.monotonicMs();
  if ((state.guesses.get(guess) ?? 0) > now) return [];
  state.guesses.set(guess, now + rules.windowMs);
  return countedSubjects(attempt, isKnown).filter(({ counted, subject }) => {
    const record = addFailure(state.records.get(subject), rules.failures[counted], rules, now);
    state.records.set(subject, { ...record, subject });
    return record.failures === 0;
  });
}

/** Written down when less than this part of the time is left: not at each login. */
const worthRenewing = 0.9;

function countSuccess(state: State, attempt: Attempt, rules: LockoutRules): boolean {
  if (attempt.address === undefined) return false;
  const now = state.clock.monotonicMs();
  const before = state.known.get(acquaintance(attempt))?.untilMs ?? 0;
  state.known.set(acquaintance(attempt), { attempt, untilMs: now + rules.knownMs });
  for (const { counted, subject } of countedSubjects(attempt, true)) {
    const record = state.records.get(subject);
    if (counted === 'pair' && record)
      state.records.set(subject, { ...record, failures: 0, windowEndsMs: now });
  }
  return before < now + rules.knownMs * worthRenewing;
}

function learn({ clock, known }: State, told: readonly Acquaintance[], { knownMs }: LockoutRules): void {
  for (const { attempt, leftMs } of told) {
    const untilMs = clock.monotonicMs() + Math.min(leftMs, knownMs);
    known.set(acquaintance(attempt), { attempt, untilMs });
  }
}

function findings({ clock, records, known }: State): Findings {
  const now = clock.monotonicMs();
  return {
    locks: [...records.values()].flatMap(({ subject, lockedUntilMs }) =>
      lockedUntilMs > now ? [{ subject, leftMs: lockedUntilMs - now }] : [],
    ),
    known: [...known.values()].flatMap(({ attempt, untilMs }) =>
      untilMs > now ? [{ attempt, leftMs: untilMs - now }] : [],
    ),
  };
}

function release({ records }: State, subject: Subject): void {
  const record = records.get(subject);
  if (record && record.lockedUntilMs > 0) records.set(subject, { ...record, lockedUntilMs: 0 });
}

function isLockedNow({ records, clock }: State, subject: Subject): boolean {
  return (records.get(subject)?.lockedUntilMs ?? 0) > clock.monotonicMs();
}

function isAcquainted({ known, clock }: State, attempt: Attempt): boolean {
  if (attempt.address === undefined) return false;
  return (known.get(acquaintance(attempt))?.untilMs ?? 0) > clock.monotonicMs();
}

function acquaintance({ address, username }: Attempt): string {
  return `${loginNetworkOf(address ?? '')} ${username}`;
}

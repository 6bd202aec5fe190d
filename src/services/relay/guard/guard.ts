import { createHash, createHmac } from 'node:crypto';

import type { Clock } from '../../../adapters/clock.ts';
import type { Log } from '../../../adapters/log.ts';
import { type Attempt, type Counted, loginNetworkOf, type LockoutRules } from '../../../domain/lockout.ts';
import type { Secret } from '../../../domain/secret.ts';
import type { Login } from '../sasl.ts';
import type { AdmitAnswer, Credential, PermitAnswer, VerifyAnswer } from '../session.ts';
import type { Standing } from './local-lockouts.ts';
import type { Lockouts } from './lockouts.ts';
import { mayComeFrom, permitWithin } from './permit.ts';
import type { Quotas } from './quotas.ts';
import { type InTurn, openTurns } from './turns.ts';

type Soon<T> = T | Promise<T>;

/** Stands between a client and the question whether its password is right. */
export interface Guard {
  /** Whether a connection from this address may speak. */
  admit(address: string): Soon<AdmitAnswer>;
  /** Lets `check` look at a login unless it is locked, and counts what comes of it. */
  verify(address: string, login: Login, check: (login: Login) => Soon<VerifyAnswer>): Promise<VerifyAnswer>;
  /** Whether a credential may begin another message: `check` says whether it is still good, the guard whether it has any left. */
  permit(
    address: string,
    credential: Credential,
    check: (credential: Credential) => Soon<PermitAnswer>,
  ): Soon<PermitAnswer>;
  stop(): void;
}

export interface GuardOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly lockouts: Lockouts;
  readonly quotas: Quotas;
  /** What guesses are digested with; no password is kept. */
  readonly secret: Secret;
  readonly tarpitMs: number;
  /** Addresses that stand for many clients: no lock of theirs is made or kept to. */
  readonly isNeverCounted: (address: string) => boolean;
  /** Hears of each lock. */
  locked(counted: Counted): void;
}

interface State {
  readonly options: GuardOptions;
  readonly key: Buffer;
  readonly inTurn: InTurn;
  readonly stopped: AbortController;
}

const longestName = 128;

/**
 * Opens the guard. Logins of one network, and those of one user name, are looked at one after another: many at once get no more
 * guesses than the failures that lock.
 */
export function openGuard(options: GuardOptions): Guard {
  const key = createHmac('sha256', options.secret.reveal()).update('mailctl relay guesses').digest();
  const state: State = { options, key, inTurn: openTurns(), stopped: new AbortController() };
  return {
    admit: (address) => admit(options, address),
    verify: (address, login, check) => verify(state, { address, login, check }),
    permit: (address, credential, check) => permitWithin(options.quotas, address, check(credential)),
    stop: () => state.stopped.abort(),
  };
}

function admit({ isNeverCounted, lockouts }: GuardOptions, address: string): Soon<AdmitAnswer> {
  if (isNeverCounted(address)) return 'welcome';
  const isTurnedAway = lockouts.isTurnedAway(address);
  if (typeof isTurnedAway === 'boolean') return answerTo(isTurnedAway);
  return isTurnedAway.then(answerTo);
}

function answerTo(isTurnedAway: boolean): AdmitAnswer {
  return isTurnedAway ? 'turned-away' : 'welcome';
}

interface Question {
  readonly address: string;
  readonly login: Login;
  readonly check: (login: Login) => Soon<VerifyAnswer>;
}

async function verify(state: State, question: Question): Promise<VerifyAnswer> {
  const { clock, isNeverCounted, tarpitMs } = state.options;
  const { address, login } = question;
  const attempt = {
    address: isNeverCounted(address) ? undefined : address,
    username: boundedName(login.username),
  };
  const judged = () => state.inTurn(`username ${attempt.username}`, () => judge(state, attempt, question));
  const answer =
    attempt.address === undefined
      ? await judged()
      : await state.inTurn(`network ${loginNetworkOf(attempt.address)}`, judged);
  if (answer.outcome === 'refused') await clock.sleep(tarpitMs, state.stopped.signal);
  return answer;
}

async function judge(
  state: State,
  attempt: Attempt,
  { address, login, check }: Question,
): Promise<VerifyAnswer> {
  const { lockouts } = state.options;
  const standing = await lockouts.findStanding(attempt);
  if (standing.isLocked) return { outcome: 'locked' };
  const answer = withinNetworks(await check(login), address);
  if (answer.outcome === 'accepted') await lockouts.countSuccess(attempt);
  if (answer.outcome === 'refused') await countFailure(state, attempt, { login, standing });
  return answer;
}

/** The right password in the wrong place is answered, and counted, like a wrong one. */
function withinNetworks(answer: VerifyAnswer, address: string): VerifyAnswer {
  if (answer.outcome !== 'accepted' || mayComeFrom(answer.credential, address)) return answer;
  return { outcome: 'refused' };
}

async function countFailure(
  { options, key }: State,
  attempt: Attempt,
  { login, standing }: { readonly login: Login; readonly standing: Standing },
): Promise<void> {
  const text = `${login.username}\0${login.password.reveal()}`;
  const guess = createHmac('sha256', key).update(text).digest('base64url');
  const locked = await options.lockouts.countFailure({ attempt, isKnown: standing.isKnown, guess });
  for (const { counted, subject } of locked) {
    options.log.warn('locked after failed logins', { subject });
    options.locked(counted);
  }
}

/** A name of any length costs a little memory. */
function boundedName(username: string): string {
  if (username.length <= longestName) return username;
  return `sha256:${createHash('sha256').update(username).digest('hex')}`;
}

/** When failures lock, as the variables say. */
export function lockoutRules(config: LockoutConfig): LockoutRules {
  return {
    failures: {
      network: config.LOCKOUT_NETWORK_FAILURES,
      username: config.LOCKOUT_USERNAME_FAILURES,
      pair: config.LOCKOUT_PAIR_FAILURES,
    },
    windowMs: atLeastOne(config.LOCKOUT_WINDOW),
    firstMs: atLeastOne(config.LOCKOUT_FIRST),
    longestMs: atLeastOne(config.LOCKOUT_LONGEST),
    memoryMs: config.LOCKOUT_MEMORY,
    knownMs: atLeastOne(config.LOCKOUT_KNOWN_NETWORK),
  };
}

/** The variables of the rules. */
export type LockoutConfig = Readonly<
  Record<
    | `LOCKOUT_${'NETWORK' | 'USERNAME' | 'PAIR'}_FAILURES`
    | `LOCKOUT_${'WINDOW' | 'FIRST' | 'LONGEST' | 'MEMORY' | 'KNOWN_NETWORK'}`,
    number
  >
>;

/** Redis keeps nothing for no time at all. */
function atLeastOne(ms: number): number {
  return Math.max(1, ms);
}

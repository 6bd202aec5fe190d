import type { Clock } from '../../adapters/clock.ts';
import { isSameLogin, type Remembered, type RememberedLogins } from './remembered-logins.ts';
import type { Login } from './sasl.ts';
import type { Credential, PermitAnswer, VerifyAnswer } from './session.ts';

/** What the api says of a login. `unavailable` is everything that is no clear answer. */
export type CheckLogin = (login: Login) => Promise<VerifyAnswer>;

/** Who may send. Answers at once what it knows. */
export interface Credentials {
  verify(login: Login): VerifyAnswer | Promise<VerifyAnswer>;
  /** Whether one that logged in earlier may begin another message; its domains may have changed since. */
  permit(credential: Credential): PermitAnswer | Promise<PermitAnswer>;
}

export interface CredentialsOptions {
  readonly check: CheckLogin;
  readonly clock: Pick<Clock, 'now'>;
  readonly remembered: RememberedLogins;
  readonly ttlMs: number;
  /** How long an answer serves on while the api cannot be asked. */
  readonly staleMs: number;
  /** How long the api is not asked again about a known user after it could not be. */
  readonly retryMs: number;
  /** What is remembered has changed. */
  changed(): void;
}

interface State {
  readonly options: CredentialsOptions;
  readonly asked: Map<string, Promise<VerifyAnswer>>;
}

/**
 * Remembers verified logins for `ttlMs` as keyed digests, so that the slow hash of the api is computed once; asks anew after it.
 * A credential the api no longer accepts is out within `ttlMs`, also in sessions that go on.
 */
export function openCredentials(options: CredentialsOptions): Credentials {
  const state: State = { options, asked: new Map() };
  return {
    verify: (login) => verify(state, login),
    permit: (credential) => permit(state, credential),
  };
}

function verify(state: State, login: Login): VerifyAnswer | Promise<VerifyAnswer> {
  const { remembered } = state.options;
  const digest = remembered.digestOf(login);
  const known = remembered.find(login.username);
  if (!isSameLogin(known, digest) || !isFresh(state, known)) return askOnce(state, login, digest);
  if (!known.login) remembered.keep(login.username, { ...known, login });
  return { outcome: 'accepted', credential: known.credential };
}

function permit(state: State, credential: Credential): PermitAnswer | Promise<PermitAnswer> {
  const known = state.options.remembered.find(credential.username);
  if (known?.credential.id !== credential.id || !known.login) return { outcome: 'unavailable' };
  if (known.revoked) return { outcome: 'revoked' };
  if (isFresh(state, known)) return { outcome: 'permitted', credential: known.credential };
  return askOnce(state, known.login, known.digest).then(permitted);
}

function permitted(answer: VerifyAnswer): PermitAnswer {
  switch (answer.outcome) {
    case 'accepted':
      return { outcome: 'permitted', credential: answer.credential };
    case 'refused':
    case 'expired':
      return { outcome: 'revoked' };
    default:
      return { outcome: 'unavailable' };
  }
}

/** Many connections that log in alike at once cost the api one question. */
function askOnce(state: State, login: Login, digest: Buffer): Promise<VerifyAnswer> {
  const name = digest.toString('latin1');
  const under = state.asked.get(name);
  if (under) return under;
  const answer = ask(state, login, digest).finally(() => state.asked.delete(name));
  state.asked.set(name, answer);
  return answer;
}

async function ask(state: State, login: Login, digest: Buffer): Promise<VerifyAnswer> {
  const { check, remembered, changed } = state.options;
  const answer = await check(login);
  const known = remembered.find(login.username);
  if (answer.outcome === 'unavailable')
    return isSameLogin(known, digest) ? serveOn(state, login, known) : answer;
  if (answer.outcome === 'accepted') {
    const verifiedAt = nowMs(state);
    const { credential } = answer;
    remembered.keep(login.username, { digest, credential, login, verifiedAt, missedAt: 0, revoked: false });
    changed();
  }
  if ((answer.outcome === 'refused' || answer.outcome === 'expired') && isSameLogin(known, digest)) {
    remembered.keep(login.username, { ...known, revoked: true });
    changed();
  }
  return answer;
}

function serveOn(state: State, login: Login, known: Remembered): VerifyAnswer {
  if (hasEnded(state, known)) return { outcome: 'expired' };
  if (known.revoked || nowMs(state) - known.verifiedAt >= state.options.staleMs)
    return { outcome: 'unavailable' };
  state.options.remembered.keep(login.username, { ...known, login, missedAt: nowMs(state) });
  return { outcome: 'accepted', credential: known.credential };
}

function isFresh(state: State, known: Remembered): boolean {
  const { verifiedAt, missedAt, revoked } = known;
  const { ttlMs, staleMs, retryMs } = state.options;
  const now = nowMs(state);
  if (revoked || now - verifiedAt >= staleMs || hasEnded(state, known)) return false;
  return now - verifiedAt < ttlMs || now - missedAt < retryMs;
}

/** The end of a password needs no question to the api. */
function hasEnded(state: State, { credential: { endsAt } }: Remembered): boolean {
  return endsAt !== undefined && Date.parse(endsAt) <= nowMs(state);
}

function nowMs({ options }: State): number {
  return options.clock.now().getTime();
}

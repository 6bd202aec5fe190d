import { createHmac, timingSafeEqual } from 'node:crypto';

import type { Clock } from '../../adapters/clock.ts';
import type { Random } from '../../adapters/random.ts';
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
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Pick<Random, 'bytes'>;
  readonly ttlMs: number;
  /** How long an answer serves on while the api cannot be asked. */
  readonly staleMs: number;
  readonly maxUsers: number;
}

interface Known {
  readonly digest: Buffer;
  readonly login: Login;
  readonly credential: Credential;
  readonly at: number;
  readonly revoked: boolean;
}

interface State {
  readonly options: CredentialsOptions;
  readonly key: Uint8Array;
  readonly known: Map<string, Known>;
  readonly asked: Map<string, Promise<VerifyAnswer>>;
}

/**
 * Remembers verified logins for `ttlMs` as digests under a key of this process, so that the slow hash of the api is computed
 * once; asks anew after it. A credential the api no longer accepts is out within `ttlMs`, also in sessions that go on.
 */
export function openCredentials(options: CredentialsOptions): Credentials {
  const state: State = { options, key: options.random.bytes(32), known: new Map(), asked: new Map() };
  return {
    verify: (login) => verify(state, login),
    permit: (credential) => permit(state, credential),
  };
}

function verify(state: State, login: Login): VerifyAnswer | Promise<VerifyAnswer> {
  const digest = digestOf(state, login);
  const known = state.known.get(login.username);
  return known && isFresh(state, known) && timingSafeEqual(known.digest, digest)
    ? { outcome: 'accepted', credential: known.credential }
    : askOnce(state, login, digest);
}

function permit(state: State, credential: Credential): PermitAnswer | Promise<PermitAnswer> {
  const known = state.known.get(credential.username);
  if (known?.credential.id !== credential.id) return { outcome: 'unavailable' };
  if (known.revoked) return { outcome: 'revoked' };
  if (isFresh(state, known)) return { outcome: 'permitted', credential: known.credential };
  return askOnce(state, known.login, known.digest).then(permitted);
}

function permitted(answer: VerifyAnswer): PermitAnswer {
  switch (answer.outcome) {
    case 'accepted':
      return { outcome: 'permitted', credential: answer.credential };
    case 'refused':
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
  const answer = await state.options.check(login);
  const known = state.known.get(login.username);
  const same = known !== undefined && timingSafeEqual(known.digest, digest);
  if (answer.outcome === 'accepted') remember(state, { digest, login, credential: answer.credential });
  if (answer.outcome === 'refused' && same) state.known.set(login.username, { ...known, revoked: true });
  if (answer.outcome === 'unavailable' && same && isUsable(state, known)) {
    return { outcome: 'accepted', credential: known.credential };
  }
  return answer;
}

function remember(state: State, entry: Omit<Known, 'at' | 'revoked'>): void {
  const { known, options } = state;
  known.delete(entry.login.username);
  known.set(entry.login.username, { ...entry, at: options.clock.monotonicMs(), revoked: false });
  const [oldest] = known.keys();
  if (known.size > options.maxUsers && oldest !== undefined) known.delete(oldest);
}

function isFresh({ options }: State, { at, revoked }: Known): boolean {
  return !revoked && options.clock.monotonicMs() - at < options.ttlMs;
}

function isUsable({ options }: State, { at, revoked }: Known): boolean {
  return !revoked && options.clock.monotonicMs() - at < options.staleMs;
}

/** Both digests have the same length whatever the password, so that comparing them tells nothing. */
function digestOf({ key }: State, { username, password }: Login): Buffer {
  return createHmac('sha256', key).update(`${username}\0${password.reveal()}`).digest();
}

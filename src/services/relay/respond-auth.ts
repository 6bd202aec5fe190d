import { decodeBase64, decodePlain, type Login } from './sasl.ts';
import { Secret } from '../../domain/secret.ts';
import { changed, moved, type Policy, type Session, type Turn, type VerifyAnswer } from './session.ts';

/** AUTH (RFC 4954 §4): once, which is before any transaction, and under TLS unless the network is private. */
export function beginAuth(
  session: Session,
  { mechanism, initial }: { readonly mechanism: string; readonly initial: string | undefined },
  policy: Policy,
): Turn {
  if (!session.secure && policy.protection !== 'private') return { session, say: ['loginNeedsTls'] };
  if (!session.client?.extended) return { session, say: ['ehloFirst'] };
  if (session.credential) return { session, say: ['authenticatedAlready'] };
  if (mechanism === 'PLAIN') return beginPlain(session, initial);
  if (mechanism === 'LOGIN') return beginLogin(session, initial);
  return { session, say: ['badMechanism'] };
}

/** The client's answer to a challenge; `*` takes the login back. */
export function answerAuthLine(session: Session, line: string): Turn {
  if (line === '*') return { session: moved(session, 'commands'), say: ['authCancelled'] };
  switch (session.stage.at) {
    case 'plain':
      return verify(session, decodePlain(line));
    case 'login-username':
      return askPassword(session, line);
    case 'login-password':
      return verify(session, loginOf(session.stage.username, line));
    default:
      return { session, say: ['unknown'] };
  }
}

/** What the api said of the login. Wrong ones are counted, so that one connection cannot guess for long. */
export function answerVerified(session: Session, answer: VerifyAnswer, policy: Policy): Turn {
  switch (answer.outcome) {
    case 'accepted':
      return {
        session: moved(session, 'commands', { credential: answer.credential, loginFailures: 0 }),
        say: ['authenticated'],
      };
    case 'unavailable':
      return { session: moved(session, 'commands'), say: ['authUnavailable'] };
    case 'expired':
      return { session: moved(session, 'commands'), say: ['loginExpired'] };
    case 'locked':
      return { session: moved(session, 'gone'), say: ['tooManyLogins'] };
    case 'refused':
      return countFailure(session, policy);
  }
}

function countFailure(session: Session, policy: Policy): Turn {
  const loginFailures = session.loginFailures + 1;
  return loginFailures < policy.maxLoginFailures
    ? { session: moved(session, 'commands', { loginFailures }), say: ['loginWrong'] }
    : { session: moved(session, 'gone', { loginFailures }), say: ['loginWrong', 'tooManyLogins'] };
}

function beginPlain(session: Session, initial: string | undefined): Turn {
  if (initial === undefined) return { session: moved(session, 'plain'), say: ['challengeEmpty'] };
  return verify(session, decodePlain(initial));
}

function beginLogin(session: Session, initial: string | undefined): Turn {
  if (initial === undefined) return { session: moved(session, 'login-username'), say: ['challengeUsername'] };
  return askPassword(session, initial);
}

function askPassword(session: Session, line: string): Turn {
  const username = decodeBase64(line);
  if (!username) return { session: moved(session, 'commands'), say: ['badBase64'] };
  return {
    session: changed(session, { stage: { at: 'login-password', username } }),
    say: ['challengePassword'],
  };
}

function loginOf(username: string, line: string): Login | undefined {
  const password = decodeBase64(line);
  return password ? { username, password: new Secret(password) } : undefined;
}

function verify(session: Session, login: Login | undefined): Turn {
  return login
    ? { session: moved(session, 'verifying'), ask: { ask: 'verify', login } }
    : { session: moved(session, 'commands'), say: ['badBase64'] };
}

import { parseCommand } from './command.ts';
import { answerAuthLine, answerVerified } from './respond-auth.ts';
import { answerCommand } from './respond-command.ts';
import { answerData, answerPermit, answerStore } from './respond-mail.ts';
import { replyCode, type ReplyName, type Said } from './replies.ts';
import {
  type AdmitAnswer,
  type Input,
  changed,
  moved,
  type Policy,
  type Session,
  type Turn,
} from './session.ts';

/**
 * The SMTP dialogue of a submission server (RFC 5321, RFC 6409, RFC 3207, RFC 4954) as a function: no socket, no clock,
 * no queue. Inputs that come after the end change nothing.
 */
export function respond(session: Session, input: Input, policy: Policy): Turn {
  if (session.stage.at === 'gone') return { session };
  return countErrors(session, reactTo(session, input, policy), policy);
}

function reactTo(session: Session, input: Input, policy: Policy): Turn {
  switch (input.got) {
    case 'line':
      return answerLine(session, input.line, policy);
    case 'admit':
      return answerAdmit(session, input.answer, policy);
    case 'secure':
      return answerSecure(session);
    case 'verify':
      return answerVerified(session, input.answer, policy);
    case 'permit':
      return answerPermit(session, input.answer);
    case 'data':
      return answerData(session, input.end, policy);
    case 'store':
      return answerStore(session, input.answer);
    default:
      return answerTrouble(session, input.got, policy);
  }
}

function answerLine(session: Session, line: string, policy: Policy): Turn {
  const counted = changed(session, { commands: session.commands + 1 });
  if (counted.commands > policy.maxCommands) return farewell(session, 'tooManyCommands');
  if (session.stage.at !== 'commands') return answerAuthLine(counted, line);
  return answerCommand(counted, parseCommand(line, policy.mailDomain), policy);
}

function answerAdmit(session: Session, answer: AdmitAnswer, policy: Policy): Turn {
  if (session.closing) return farewell(session, named('shuttingDown', policy));
  if (answer === 'full') return farewell(session, 'tooManyConnections');
  if (answer === 'turned-away') return farewell(session, 'turnedAway');
  return { session: moved(session, 'commands'), say: [named('greeting', policy)] };
}

/** After the handshake the client starts over: what it said before could have been anyone's (RFC 3207 §4.2). */
function answerSecure(session: Session): Turn {
  const forgotten = { client: undefined, credential: undefined, envelope: undefined };
  return { session: moved(session, 'commands', { ...forgotten, secure: true }) };
}

type Trouble = 'long-line' | 'bare-line-end' | 'early-octets' | 'timeout' | 'shutdown' | 'fault';

function answerTrouble(session: Session, trouble: Trouble, policy: Policy): Turn {
  switch (trouble) {
    case 'long-line':
      return {
        session: moved(session, 'commands'),
        say: [session.stage.at === 'commands' ? 'lineTooLong' : 'authLineTooLong'],
      };
    case 'bare-line-end':
      return farewell(session, 'bareLineEnd');
    case 'early-octets':
      return farewell(session, 'earlyTalker');
    case 'timeout':
      return farewell(session, named('timedOut', policy));
    case 'fault':
      return farewell(session, 'internal');
    case 'shutdown':
      return isInFlight(session)
        ? { session: changed(session, { closing: true }) }
        : farewell(session, named('shuttingDown', policy));
  }
}

/** A message on its way, or a question whose answer the client waits for, is finished before a stop. */
function isInFlight({ stage }: Session): boolean {
  return ['door', 'data', 'storing', 'verifying', 'permitting'].includes(stage.at);
}

/** Ends the session when the client was wrong too often, and when a stop waited for what is now finished. */
function countErrors(before: Session, turn: Turn, policy: Policy): Turn {
  const { session, say } = turn;
  const wrong = say?.some((said) => replyCode(said) >= 500) === true;
  const errors = wrong ? session.errors + 1 : session.errors;
  const after = wrong ? { ...turn, session: changed(session, { errors }) } : turn;
  if (session.stage.at === 'gone') return after;
  if (wrong && errors >= policy.maxErrors) return closedAfter(after, 'tooManyErrors');
  const finished = before.closing && !isInFlight(session) && session.stage.at !== 'securing';
  return finished ? closedAfter(after, named('shuttingDown', policy)) : after;
}

function closedAfter(turn: Turn, said: Said): Turn {
  return { session: moved(turn.session, 'gone'), say: [...(turn.say ?? []), said] };
}

/** In the middle of a handshake no word would arrive in plain text. */
function farewell(session: Session, said: Said): Turn {
  return { session: moved(session, 'gone'), say: session.stage.at === 'securing' ? [] : [said] };
}

function named(reply: ReplyName, { hostname }: Policy): Said {
  return { reply, values: { hostname } };
}

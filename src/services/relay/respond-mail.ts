import type { WrongCommand } from './command.ts';
import type { DataEnd } from './data.ts';
import type { Said } from './replies.ts';
import {
  changed,
  moved,
  type PermitAnswer,
  type Policy,
  type Session,
  type StoreAnswer,
  type Turn,
} from './session.ts';

/** MAIL (RFC 5321 §3.3, RFC 1870 §6): the credential is asked for anew, so that a revoked one does not live on. */
export function beginMail(
  session: Session,
  { from, size }: { readonly from: string; readonly size: number },
  policy: Policy,
): Turn {
  const refusal = refusalOfMail(session, policy);
  if (refusal) return { session, say: [refusal] };
  if (size > policy.maxMessageBytes) return { session, say: [tooBig(policy)] };
  if (!session.credential) return { session, say: ['loginFirst'] };
  return {
    session: changed(session, { stage: { at: 'permitting', from } }),
    ask: { ask: 'permit', credential: session.credential },
  };
}

/** Whether the transaction may begin after all. */
export function answerPermit(session: Session, answer: PermitAnswer): Turn {
  if (session.stage.at !== 'permitting') return { session };
  if (answer.outcome === 'permitted') {
    const envelope = { mailFrom: session.stage.from, rcptTo: [] };
    const { credential } = answer;
    return { session: moved(session, 'commands', { envelope, credential }), say: ['senderOk'] };
  }
  if (answer.outcome === 'limited') return { session: moved(session, 'commands'), say: [answer.said] };
  if (answer.outcome === 'unavailable')
    return { session: moved(session, 'commands'), say: ['authUnavailable'] };
  return { session: moved(session, 'commands', { credential: undefined }), say: ['loginRevoked'] };
}

/** RCPT: a recipient named twice is one recipient. */
export function beginRecipient(session: Session, to: string, policy: Policy): Turn {
  const { envelope } = session;
  if (!envelope) return { session, say: ['mailFirst'] };
  if (envelope.rcptTo.includes(to)) return { session, say: ['recipientOk'] };
  if (envelope.rcptTo.length >= policy.maxRecipients) return { session, say: ['tooManyRecipients'] };
  return {
    session: changed(session, { envelope: { ...envelope, rcptTo: [...envelope.rcptTo, to] } }),
    say: ['recipientOk'],
  };
}

/** DATA: from here on octets are message, until CRLF.CRLF. */
export function beginData(session: Session): Turn {
  if (!session.envelope) return { session, say: ['mailFirst'] };
  if (session.envelope.rcptTo.length === 0) return { session, say: ['rcptFirst'] };
  return { session: moved(session, 'data'), say: ['sendData'] };
}

/** A message has arrived whole and is to be stored, or is not fit to be. Either way the transaction ends. */
export function answerData(session: Session, end: DataEnd, policy: Policy): Turn {
  const { credential, envelope, client, secure } = session;
  if (end !== 'complete' || !credential || !envelope || !client) {
    return { session: moved(session, 'commands', { envelope: undefined }), say: [flaw(end, policy)] };
  }
  return {
    session: moved(session, 'storing', { envelope: undefined }),
    ask: { ask: 'store', credential, envelope, client, secure },
  };
}

/** 250 is said here and nowhere else: only after the message is durable. */
export function answerStore(session: Session, answer: StoreAnswer): Turn {
  if (answer.outcome === 'refused') return { session: moved(session, 'commands'), say: [answer.said] };
  return {
    session: moved(session, 'commands', { commands: 0, errors: 0 }),
    say: [{ reply: 'queued', values: { id: answer.id } }],
  };
}

/** A malformed command; what is out of order is said before what is misspelt. */
export function refuseWrong(session: Session, command: WrongCommand, policy: Policy): Turn {
  const refusal = command.about === 'MAIL' ? refusalOfMail(session, policy) : undefined;
  if (refusal) return { session, say: [refusal] };
  if (command.about === 'RCPT' && !session.envelope) return { session, say: ['mailFirst'] };
  const said = command.values ? { reply: command.reply, values: command.values } : command.reply;
  const ends = command.reply === 'notThisProtocol';
  return { session: ends ? moved(session, 'gone') : session, say: [said] };
}

function refusalOfMail(session: Session, policy: Policy): Said | undefined {
  if (!session.client) return 'heloFirst';
  if (!session.secure && policy.protection !== 'private') return 'tlsFirst';
  if (!session.credential) return 'loginFirst';
  return session.envelope ? 'nestedMail' : undefined;
}

function flaw(end: DataEnd, policy: Policy): Said {
  switch (end) {
    case 'too-big':
      return tooBig(policy);
    case 'long-line':
      return { reply: 'messageLineTooLong', values: { bytes: policy.maxLineBytes } };
    case 'nul':
      return 'messageHasNul';
    case 'no-room':
      return 'journalFull';
    case 'complete':
      return 'internal';
  }
}

function tooBig({ maxMessageBytes }: Policy): Said {
  return { reply: 'tooBig', values: { bytes: maxMessageBytes } };
}

import type { Command } from './command.ts';
import { beginAuth } from './respond-auth.ts';
import { beginData, beginMail, beginRecipient, refuseWrong } from './respond-mail.ts';
import { changed, moved, type Policy, type Session, type Turn } from './session.ts';

/** The reply to one command where commands are expected (RFC 5321 §4.1.4). */
export function answerCommand(session: Session, command: Command, policy: Policy): Turn {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return greet(session, command, policy);
    case 'STARTTLS':
      return beginTls(session, policy);
    case 'AUTH':
      return beginAuth(session, command, policy);
    case 'MAIL':
      return beginMail(session, command, policy);
    case 'RCPT':
      return beginRecipient(session, command.to, policy);
    case 'DATA':
      return beginData(session);
    case 'WRONG':
      return refuseWrong(session, command, policy);
    default:
      return answerSimple(session, command.verb);
  }
}

function answerSimple(session: Session, verb: 'RSET' | 'NOOP' | 'QUIT' | 'VRFY' | 'HELP'): Turn {
  switch (verb) {
    case 'RSET':
      return { session: changed(session, { envelope: undefined }), say: ['ok'] };
    case 'NOOP':
      return { session, say: ['ok'] };
    case 'VRFY':
      return { session, say: ['cannotVerify'] };
    case 'HELP':
      return { session, say: ['help'] };
    case 'QUIT':
      return { session: moved(session, 'gone'), say: ['bye'] };
  }
}

/** A greeting also ends a mail transaction (RFC 5321 §4.1.4); who logged in stays so. */
function greet(
  session: Session,
  { verb, name }: { verb: 'EHLO' | 'HELO'; name: string },
  policy: Policy,
): Turn {
  const extended = verb === 'EHLO';
  const greeted = changed(session, { client: { name, extended }, envelope: undefined });
  if (!extended) return { session: greeted, say: [{ reply: 'helo', values: { hostname: policy.hostname } }] };
  return { session: greeted, say: [{ lines: [policy.hostname, ...extensions(greeted, policy)] }] };
}

function extensions(session: Session, policy: Policy): readonly string[] {
  return [
    `SIZE ${policy.maxMessageBytes}`,
    'PIPELINING',
    '8BITMIME',
    'ENHANCEDSTATUSCODES',
    ...(policy.protection === 'starttls' && !session.secure ? ['STARTTLS'] : []),
    ...(session.secure || policy.protection === 'private' ? ['AUTH PLAIN LOGIN'] : []),
  ];
}

function beginTls(session: Session, policy: Policy): Turn {
  if (session.secure) return { session, say: ['tlsAlready'] };
  if (policy.protection !== 'starttls') return { session, say: ['tlsNotOffered'] };
  if (!session.client?.extended) return { session, say: ['heloFirst'] };
  return { session: moved(session, 'securing'), say: ['ready'], ask: { ask: 'secure' } };
}

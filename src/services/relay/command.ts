import { parseForwardPath, parseReversePath, type Path } from './path.ts';
import type { ReplyName, ReplyValues } from './replies.ts';

/** One command line, understood. A line that is none names the reply it deserves. */
export type Command =
  | { readonly verb: 'EHLO' | 'HELO'; readonly name: string }
  | { readonly verb: 'MAIL'; readonly from: string; readonly size: number }
  | { readonly verb: 'RCPT'; readonly to: string }
  | { readonly verb: 'AUTH'; readonly mechanism: string; readonly initial: string | undefined }
  | { readonly verb: 'DATA' | 'RSET' | 'NOOP' | 'QUIT' | 'STARTTLS' | 'VRFY' | 'HELP' }
  | WrongCommand;

/** `about` is the verb it would have been, which decides what is checked before its syntax. */
export interface WrongCommand {
  readonly verb: 'WRONG';
  readonly about: 'MAIL' | 'RCPT' | undefined;
  readonly reply: ReplyName;
  readonly values?: ReplyValues;
}

type Parser = (rest: string, localDomain: string) => Command;

const parsers: Readonly<Record<string, Parser>> = {
  EHLO: (rest) => parseGreeting('EHLO', rest),
  HELO: (rest) => parseGreeting('HELO', rest),
  MAIL: parseMail,
  RCPT: parseRcpt,
  AUTH: parseAuth,
  DATA: (rest) => alone('DATA', rest),
  RSET: (rest) => alone('RSET', rest),
  QUIT: (rest) => alone('QUIT', rest),
  STARTTLS: (rest) => alone('STARTTLS', rest),
  NOOP: () => ({ verb: 'NOOP' }),
  HELP: () => ({ verb: 'HELP' }),
  VRFY: (rest) => (rest === '' ? wrong('badSyntax') : { verb: 'VRFY' }),
  EXPN: () => wrong('notImplemented'),
  GET: () => wrong('notThisProtocol'),
  POST: () => wrong('notThisProtocol'),
  PUT: () => wrong('notThisProtocol'),
  HEAD: () => wrong('notThisProtocol'),
  OPTIONS: () => wrong('notThisProtocol'),
  CONNECT: () => wrong('notThisProtocol'),
};

/**
 * A command line without its CRLF (RFC 5321 §4.1.1); verbs are case-insensitive, trailing blanks are tolerated.
 * `localDomain` completes the bare `<postmaster>`.
 */
export function parseCommand(line: string, localDomain: string): Command {
  const text = line.trimEnd();
  const space = text.indexOf(' ');
  const verb = (space < 0 ? text : text.slice(0, space)).toUpperCase();
  const parser = Object.hasOwn(parsers, verb) ? parsers[verb] : undefined;
  return parser ? parser(space < 0 ? '' : text.slice(space + 1), localDomain) : wrong('unknown');
}

function wrong(reply: ReplyName, about?: 'MAIL' | 'RCPT', values?: ReplyValues): WrongCommand {
  return { verb: 'WRONG', about, reply, ...(values ? { values } : {}) };
}

function alone(verb: 'DATA' | 'RSET' | 'QUIT' | 'STARTTLS', rest: string): Command {
  return rest === '' ? { verb } : wrong('noArguments');
}

function parseGreeting(verb: 'EHLO' | 'HELO', name: string): Command {
  return /^[!-~]{1,255}$/.test(name) ? { verb, name } : wrong('heloSyntax');
}

function parseAuth(rest: string): Command {
  const match = /^([A-Za-z0-9_-]{1,20})(?: ([!-~]+))?$/.exec(rest);
  if (!match) return wrong('badSyntax');
  return { verb: 'AUTH', mechanism: (match[1] ?? '').toUpperCase(), initial: match[2] };
}

function parseMail(rest: string): Command {
  if (!/^FROM:/i.test(rest)) return wrong('mailSyntax', 'MAIL');
  const path = parseReversePath(rest.slice(5));
  if (!path.ok) return wrongPath(path, 'MAIL');
  const parameters = readParameters(path.rest);
  if (!parameters) return wrong('mailSyntax', 'MAIL');
  const foreign = [...parameters.keys()].find((name) => !['SIZE', 'BODY', 'AUTH'].includes(name));
  if (foreign !== undefined) return wrong('badParameter', 'MAIL', { parameter: foreign });
  if (!/^(|7BIT|8BITMIME)$/i.test(parameters.get('BODY') ?? '')) return wrong('mailSyntax', 'MAIL');
  const size = parameters.get('SIZE') ?? '0';
  return /^\d{1,20}$/.test(size)
    ? { verb: 'MAIL', from: path.address, size: Number(size) }
    : wrong('mailSyntax', 'MAIL');
}

function parseRcpt(rest: string, localDomain: string): Command {
  if (!/^TO:/i.test(rest)) return wrong('rcptSyntax', 'RCPT');
  const path = parseForwardPath(rest.slice(3), localDomain);
  if (!path.ok) return wrongPath(path, 'RCPT');
  const parameters = readParameters(path.rest);
  if (!parameters) return wrong('rcptSyntax', 'RCPT');
  const [foreign] = parameters.keys();
  return foreign === undefined
    ? { verb: 'RCPT', to: path.address }
    : wrong('badParameter', 'RCPT', { parameter: foreign });
}

function wrongPath({ why }: Extract<Path, { ok: false }>, about: 'MAIL' | 'RCPT'): WrongCommand {
  if (why === 'not-ascii') return wrong('notAscii', about);
  if (why === 'literal') return wrong('literalRefused', about);
  if (why === 'quoted') return wrong('quotedRefused', about);
  return wrong(about === 'MAIL' ? 'badSender' : 'badRecipient', about);
}

const none: ReadonlyMap<string, string> = new Map();

/** ESMTP parameters (RFC 5321 §4.1.2) by upper-case keyword; undefined when one is malformed or stands twice. */
function readParameters(text: string): ReadonlyMap<string, string> | undefined {
  if (text === '') return none;
  const read = new Map<string, string>();
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?$/.exec(word);
    const name = match?.[1]?.toUpperCase();
    if (name === undefined || read.has(name)) return undefined;
    read.set(name, match?.[2] ?? '');
  }
  return read;
}

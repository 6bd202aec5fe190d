/**
 * Every reply there is, by name: code, enhanced status (RFC 2034, RFC 3463), text. `{…}` is filled in when it is said.
 * Greeting, EHLO, 334 and 354 carry no enhanced status (RFC 2034 §4).
 */
export const replies = {
  greeting: '220 {hostname} ESMTP mailctl',
  helo: '250 {hostname}',
  ready: '220 2.0.0 Ready to start TLS',
  bye: '221 2.0.0 Bye',
  ok: '250 2.0.0 Ok',
  senderOk: '250 2.1.0 Ok',
  recipientOk: '250 2.1.5 Ok',
  queued: '250 2.0.0 Ok: queued as {id}',
  authenticated: '235 2.7.0 Authentication successful',
  cannotVerify: '252 2.0.0 Cannot verify the address, but will try to deliver to it',
  help: '214 2.0.0 See RFC 5321 and RFC 6409',
  sendData: '354 End data with <CR><LF>.<CR><LF>',
  challengeEmpty: '334 ',
  challengeUsername: '334 VXNlcm5hbWU6',
  challengePassword: '334 UGFzc3dvcmQ6',

  shuttingDown: '421 4.3.2 {hostname} is shutting down, try again later',
  tooManyConnections: '421 4.3.2 Too many connections, try again later',
  turnedAway: '421 4.7.0 Try again later',
  timedOut: '421 4.4.2 {hostname} waited too long',
  tooManyErrors: '421 4.7.0 Too many errors',
  tooManyCommands: '421 4.7.0 Too many commands',
  tooManyLogins: '421 4.7.0 Too many failed logins',
  internal: '421 4.3.0 Internal error, try again later',

  rateLimit: '450 4.7.1 The rate of {rate} is used up, try again in {seconds} seconds',
  dailyLimit: '450 4.7.1 The limit of {limit} messages a day is used up, try again in {seconds} seconds',

  tooManyRecipients: '452 4.5.3 Too many recipients, send the rest in another message',
  journalFull: '452 4.3.1 No room to store the message, try again later',
  journalFailed: '451 4.3.0 The message could not be stored, try again later',
  authUnavailable: '454 4.7.0 Temporary authentication failure, try again later',

  lineTooLong: '500 5.5.2 Line too long',
  unknown: '500 5.5.2 Command not recognized',
  badSyntax: '501 5.5.4 Syntax error in parameters',
  mailSyntax: '501 5.5.4 Syntax: MAIL FROM:<address> [SIZE=n] [BODY=7BIT|8BITMIME]',
  rcptSyntax: '501 5.5.4 Syntax: RCPT TO:<address>',
  heloSyntax: '501 5.5.4 Syntax: EHLO domain or address literal',
  noArguments: '501 5.5.4 This command takes no arguments',
  badSender: "501 5.1.7 Bad sender's mailbox address syntax",
  badRecipient: '501 5.1.3 Bad destination mailbox address syntax',
  badBase64: '501 5.5.2 Cannot decode the response',
  authCancelled: '501 5.7.0 Authentication cancelled',
  notImplemented: '502 5.5.1 Command not implemented',
  heloFirst: '503 5.5.1 Send EHLO first',
  ehloFirst: '503 5.5.1 Send EHLO first: HELO has no AUTH',
  mailFirst: '503 5.5.1 Need MAIL command',
  rcptFirst: '503 5.5.1 Need RCPT command',
  nestedMail: '503 5.5.1 Sender already specified',
  authenticatedAlready: '503 5.5.1 Already authenticated',
  tlsAlready: '503 5.5.1 TLS is active already',
  tlsNotOffered: '502 5.5.1 STARTTLS is not offered here',
  badMechanism: '504 5.5.4 Authentication mechanism not supported',
  authLineTooLong: '500 5.5.6 Authentication exchange line is too long',

  bareLineEnd: '521 5.5.2 Bare <CR> or <LF> received, lines end with <CR><LF>',
  notThisProtocol: '521 5.5.2 This is a mail server',
  earlyTalker: '554 5.5.1 You spoke before the greeting',
  tlsFirst: '530 5.7.0 Must issue a STARTTLS command first',
  loginFirst: '530 5.7.0 Authentication required',
  loginWrong: '535 5.7.8 Authentication credentials invalid',
  loginExpired: '535 5.7.8 The password has expired',
  loginRevoked: '535 5.7.8 The credential is no longer valid',
  loginNeedsTls: '538 5.7.11 Encryption required for requested authentication mechanism',

  literalRefused: '553 5.1.3 Address literals are not accepted',
  quotedRefused: '553 5.1.3 Quoted local parts are not accepted',
  senderNotAllowed:
    '550 5.7.1 From and Sender must be on a domain allowed to this credential, {domain} is not',
  senderUnverified: '550 5.7.1 From and Sender must be on a domain verified in Postal, {domain} is not',
  senderUnknown: '451 4.7.1 Cannot tell now whether Postal has verified {domain}, try again later',
  keyUsedOtherwise: '554 5.7.1 This X-Idempotency-Key was used for another message',
  tooBig: '552 5.3.4 Message exceeds the size limit of {bytes} octets',
  headerTooBig: '552 5.3.4 Message header exceeds the limit of {bytes} octets',
  notAscii: '553 5.6.7 Non-ASCII addresses are not permitted (no SMTPUTF8)',
  badMessage: '554 5.6.0 {why}',
  messageLineTooLong: '554 5.6.0 Message has a line longer than {bytes} octets',
  messageHasNul: '554 5.6.0 Message has a NUL octet',
  badParameter: '555 5.5.4 {parameter} is not supported',
} as const satisfies Record<string, string>;

export type ReplyName = keyof typeof replies;

/** What stands in the braces of a reply. Never the client's own text unless it was checked for line ends. */
export type ReplyValues = Readonly<Record<string, string | number>>;

/** What is said to a client: a reply of the table, with what stands in its braces, or the lines of an EHLO reply. */
export type Said =
  | ReplyName
  | { readonly reply: ReplyName; readonly values: ReplyValues }
  | { readonly lines: readonly string[] };

/** The octets of a reply, CRLF included. */
export function replyText(said: Said): string {
  if (typeof said === 'string') return plain[said];
  if ('lines' in said)
    return said.lines.map((line, n) => `250${n + 1 < said.lines.length ? '-' : ' '}${line}\r\n`).join('');
  return fillIn(said.reply, said.values);
}

function fillIn(reply: ReplyName, values: ReplyValues): string {
  let text = '';
  for (const [index, part] of (parts.get(reply) ?? []).entries())
    text += index % 2 === 0 ? part : String(values[part]);
  return text;
}

const plain = Object.fromEntries(
  Object.entries(replies).map(([name, text]) => [name, `${text}\r\n`]),
) as Readonly<Record<ReplyName, string>>;
/** What stands before, between and after braces, and in turn what stands in them. */
const parts = new Map(Object.entries(plain).map(([name, text]) => [name, text.split(/\{(\w+)\}/)]));
const codes = Object.fromEntries(
  Object.entries(replies).map(([name, text]) => [name, Number(text.slice(0, 3))]),
) as Readonly<Record<ReplyName, number>>;

/** The three-digit code of a reply. */
export function replyCode(said: Said): number {
  if (typeof said === 'string') return codes[said];
  return 'lines' in said ? 250 : replyCode(said.reply);
}

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import { OperatorError } from '../domain/failure.ts';
import type { Secret } from '../domain/secret.ts';

/** One reply of an SMTP server (RFC 5321 §4.2), with the text of all its lines. */
export interface SmtpReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A conversation that is held line by line, so that each reply can be looked at. */
export interface SmtpConversation extends AsyncDisposable {
  readonly greeting: SmtpReply;
  /** Sends a line and waits for its reply. A secret in it is shown to nobody but the server. */
  say(line: string | Secret): Promise<SmtpReply>;
  /** After a 220 to STARTTLS: speaks TLS from here on and returns the protocol, such as `TLSv1.3`. */
  startTls(trust: { readonly serverName: string; readonly ca: string | undefined }): Promise<string>;
  /** After a 354: sends the message dot-stuffed (RFC 5321 §4.5.2) and waits for the reply. */
  sendMessage(raw: Uint8Array): Promise<SmtpReply>;
}

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** Longest wait for the connection and for each reply. */
  readonly timeoutMs: number;
}

/** Connects and reads the greeting. Fails as `unreachable`, `timed-out` or, where TLS is refused, `access-denied`. */
export async function openSmtp(server: SmtpServer): Promise<SmtpConversation> {
  const where = `${server.host}:${server.port}`;
  let socket: Socket | TLSSocket = connect({ host: server.host, port: server.port });
  socket.on('error', () => undefined);
  let replies = readReplies(socket, server, where);
  const next = async (): Promise<SmtpReply> => {
    const { value } = await replies.next();
    if (!value) throw unreachable(where, new Error('the connection was closed'));
    return value;
  };
  const send = (octets: string | Uint8Array) => {
    socket.write(octets);
    return next();
  };
  return {
    greeting: await next(),
    say: (line) => send(`${typeof line === 'string' ? line : line.reveal()}\r\n`),
    startTls: async (trust) => {
      await replies.return(undefined);
      const secure = await upgrade(socket, trust, where);
      secure.on('error', () => undefined);
      socket = secure;
      replies = readReplies(socket, server, where);
      return secure.getProtocol() ?? 'none';
    },
    sendMessage: (raw) => send(dotStuffed(raw)),
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
}

async function* readReplies(
  socket: Socket,
  { timeoutMs }: SmtpServer,
  where: string,
): AsyncGenerator<SmtpReply> {
  socket.setTimeout(timeoutMs, () => socket.destroy(timedOut(where, timeoutMs)));
  let lines: string[] = [];
  try {
    for await (const line of readLines(socket)) {
      lines.push(line.slice(4));
      if (line.charAt(3) === '-') continue;
      yield { code: Number(line.slice(0, 3)), lines };
      lines = [];
    }
  } catch (cause) {
    throw cause instanceof OperatorError ? cause : unreachable(where, cause);
  }
}

async function* readLines(socket: Socket): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const lines = text.split('\r\n');
    text = lines.pop() ?? '';
    yield* lines;
  }
}

async function upgrade(
  socket: Socket,
  { serverName, ca }: { readonly serverName: string; readonly ca: string | undefined },
  where: string,
): Promise<TLSSocket> {
  const secure = connectTls({ socket, servername: serverName, ...(ca !== undefined && { ca }) });
  await once(secure, 'secureConnect').catch((cause: unknown) => {
    if (!secure.authorizationError) throw cause instanceof OperatorError ? cause : unreachable(where, cause);
    throw new OperatorError('access-denied', `the certificate of ${where} is not trusted for ${serverName}`, {
      hint: 'Check RELAY_TLS_CERT_FILE and that it is for RELAY_HOSTNAME',
      field: 'RELAY_TLS_CERT_FILE',
      cause,
    });
  });
  return secure;
}

function dotStuffed(raw: Uint8Array): Uint8Array {
  const text = Buffer.from(raw).toString('latin1');
  const ended = text.endsWith('\r\n') ? text : `${text}\r\n`;
  return Buffer.from(`${ended.replaceAll(/^\./gm, '..')}.\r\n`, 'latin1');
}

function unreachable(where: string, cause: unknown): OperatorError {
  return new OperatorError('unreachable', `no SMTP conversation with ${where}`, {
    hint: 'Check that the relay runs and listens there: RELAY_SUBMISSION_LISTEN, RELAY_PRIVATE_LISTEN',
    cause,
  });
}

function timedOut(where: string, timeoutMs: number): OperatorError {
  return new OperatorError('timed-out', `${where} said nothing for ${timeoutMs / 1000} s`, {
    hint: "Look at the relay's log",
  });
}

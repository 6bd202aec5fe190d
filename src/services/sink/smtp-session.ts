/** A message as it was taken, for one recipient or several. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: Buffer;
}

export interface SinkSession {
  readonly greeting: string;
  /** What is answered to these octets, and whether the connection ends then. */
  hear(octets: Buffer): { readonly reply: string; readonly end: boolean };
}

const mostLineBytes = 4096;
const mostRecipients = 1000;

interface State {
  from: string | undefined;
  to: string[];
  /** The message so far while it is received, else undefined. */
  content: Buffer[] | undefined;
  contentBytes: number;
  waiting: Buffer;
  ended: boolean;
}

/** SMTP as far as a server that takes everything needs it (RFC 5321); it offers neither TLS nor AUTH. */
export function openSinkSession(most: number, take: (mail: TakenMail) => void): SinkSession {
  const state: State = {
    from: undefined,
    to: [],
    content: undefined,
    contentBytes: 0,
    waiting: Buffer.alloc(0),
    ended: false,
  };
  return {
    greeting: '220 sink.invalid ESMTP\r\n',
    hear: (octets) => {
      state.waiting = Buffer.concat([state.waiting, octets]);
      let reply = '';
      for (let line = nextLine(state); line && !state.ended; line = nextLine(state))
        reply += state.content ? hearContent(state, line, most, take) : hearCommand(state, line, most);
      if (state.waiting.length > (state.content ? most : mostLineBytes)) {
        state.ended = true;
        reply += '500 5.5.2 Line too long\r\n';
      }
      return { reply, end: state.ended };
    },
  };
}

function nextLine(state: State): Buffer | undefined {
  const end = state.waiting.indexOf('\r\n');
  if (end < 0) return undefined;
  const line = state.waiting.subarray(0, end);
  state.waiting = state.waiting.subarray(end + 2);
  return line;
}

function hearContent(state: State, line: Buffer, most: number, take: (mail: TakenMail) => void): string {
  const content = state.content ?? [];
  if (line.length !== 1 || line[0] !== 0x2e) {
    const unstuffed = line[0] === 0x2e ? line.subarray(1) : line;
    state.contentBytes += unstuffed.length + 2;
    if (state.contentBytes <= most) content.push(Buffer.from(unstuffed), Buffer.from('\r\n'));
    return '';
  }
  const { from = '', to, contentBytes } = state;
  forget(state);
  if (contentBytes > most) return '552 5.3.4 Message too large\r\n';
  take({ from, to, raw: Buffer.concat(content) });
  return '250 2.0.0 Ok: swallowed\r\n';
}

function forget(state: State): void {
  Object.assign(state, { from: undefined, to: [], content: undefined, contentBytes: 0 });
}

type Command = (state: State, text: string, most: number) => string;

const commands: Readonly<Record<string, Command>> = {
  EHLO: (state, _text, most) => {
    forget(state);
    return `250-sink.invalid\r\n250-SIZE ${most}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n`;
  },
  HELO: (state) => {
    forget(state);
    return '250 sink.invalid\r\n';
  },
  MAIL: (state, text) => {
    const path = /^MAIL FROM:\s*<([^<>]*)>/i.exec(text)?.[1];
    if (path === undefined) return '501 5.5.4 Write MAIL FROM:<address>\r\n';
    forget(state);
    state.from = path;
    return '250 2.1.0 Ok\r\n';
  },
  RCPT: (state, text) => {
    const path = /^RCPT TO:\s*<([^<>]+)>/i.exec(text)?.[1];
    if (state.from === undefined) return '503 5.5.1 MAIL first\r\n';
    if (path === undefined) return '501 5.5.4 Write RCPT TO:<address>\r\n';
    if (state.to.length >= mostRecipients) return '452 4.5.3 Too many recipients\r\n';
    state.to.push(path);
    return '250 2.1.5 Ok\r\n';
  },
  DATA: (state) => {
    if (state.to.length === 0) return '503 5.5.1 RCPT first\r\n';
    state.content = [];
    return '354 End data with <CR><LF>.<CR><LF>\r\n';
  },
  RSET: (state) => {
    forget(state);
    return '250 2.0.0 Ok\r\n';
  },
  NOOP: () => '250 2.0.0 Ok\r\n',
  QUIT: (state) => {
    state.ended = true;
    return '221 2.0.0 Bye\r\n';
  },
};

function hearCommand(state: State, line: Buffer, most: number): string {
  const text = line.toString('utf8');
  const verb = text.split(' ', 1)[0]?.toUpperCase() ?? '';
  const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  return command ? command(state, text, most) : '502 5.5.1 Not known here\r\n';
}

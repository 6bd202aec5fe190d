import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

import { type Conversation, type ConversationOptions, openConversation, type Peer } from './conversation.ts';
import { judgePatience, type Patience, type Waiting } from './patience.ts';
import type { Session } from './session.ts';

/** One client's connection, from accept to close. */
export interface Connection {
  /** Looks whether the client is too slow; called about once a second. */
  check(now: number): void;
  /** Ends it, or lets the message in flight finish first. */
  shutDown(): void;
  destroy(): void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly implicitTls: boolean;
  /** The certificate of the moment. */
  context(): SecureContext | undefined;
  readonly conversation: Omit<ConversationOptions, 'peer'>;
  readonly patience: Patience;
  /** When it was accepted, on the clock that `check` is called with. */
  readonly openedAt: number;
  closed(): void;
}

interface State {
  readonly options: ConnectionOptions;
  stream: Socket;
  unlisten: () => void;
  conversation: Conversation | undefined;
  session: Session | undefined;
  stageAt: number;
  octets: number;
  octetsAt: number;
  over: boolean;
}

/** Speaks SMTP on a socket, and takes care that whatever the client does, it ends. */
export function openConnection(options: ConnectionOptions): Connection {
  const { socket, openedAt } = options;
  const state: State = {
    options,
    stream: socket,
    unlisten: () => undefined,
    conversation: undefined,
    session: undefined,
    stageAt: openedAt,
    octets: 0,
    octetsAt: openedAt,
    over: false,
  };
  socket.on('error', () => undefined);
  socket.once('close', () => {
    state.conversation?.abandon();
    options.closed();
  });
  if (options.implicitTls) void upgrade(state).then(() => converse(state), ignoreBrokenHandshake);
  else converse(state);
  return {
    check: (now) => check(state, now),
    shutDown: () => (state.conversation ? state.conversation.interrupt('shutdown') : socket.destroy()),
    destroy: () => socket.destroy(),
  };
}

function converse(state: State): void {
  if (state.stream.destroyed) return;
  state.conversation = openConversation({ ...state.options.conversation, peer: peerOf(state) });
  listen(state);
}

function peerOf(state: State): Peer {
  return {
    send: (text) => state.stream.destroyed || state.stream.write(text, 'latin1'),
    secure: () => upgrade(state).then(() => listen(state)),
    pause: () => {
      state.stream.pause();
    },
    resume: () => {
      state.stream.resume();
    },
    hangUp: () => hangUp(state),
  };
}

function listen(state: State): void {
  const { stream } = state;
  const hear = (octets: Buffer) => state.conversation?.hear(octets);
  const hearEnd = () => state.conversation?.hearEnd();
  const hearDrain = () => state.conversation?.hearDrain();
  stream.on('data', hear).on('end', hearEnd).on('drain', hearDrain);
  state.unlisten = () => stream.off('data', hear).off('end', hearEnd).off('drain', hearDrain);
}

/**
 * Puts TLS on the connection (RFC 3207, RFC 8314). What was read in plain text and not yet used is thrown away. A handshake that
 * fails closes the connection, and the promise rejects.
 */
async function upgrade(state: State): Promise<void> {
  const { socket, context } = state.options;
  const secureContext = context();
  state.unlisten();
  while (socket.read() !== null);
  if (!secureContext) {
    socket.destroy();
    throw new Error('there is no certificate');
  }
  const stream = new TLSSocket(socket, { isServer: true, secureContext });
  state.stream = stream;
  await new Promise<void>((resolve, reject) => {
    stream.once('secure', resolve);
    stream.once('close', () => reject(new Error('the TLS handshake failed')));
    stream.on('error', () => socket.destroy());
  });
}

/** The client's business: its connection is closed already. */
function ignoreBrokenHandshake(): void {}

/** Our last words are on their way; what still comes is not read, so that no reset overtakes them. */
function hangUp(state: State): void {
  state.over = true;
  state.stream.end();
  state.stream.resume();
}

function check(state: State, now: number): void {
  const verdict = judgePatience(waitingOf(state, now), state.options.patience);
  if (verdict === 'drop') state.options.socket.destroy();
  if (verdict === 'tell') state.conversation?.interrupt('timeout');
}

function waitingOf(state: State, now: number): Waiting {
  const { options, conversation } = state;
  const session = conversation?.session();
  if (session !== state.session) state.stageAt = now;
  if (options.socket.bytesRead !== state.octets) state.octetsAt = now;
  state.session = session;
  state.octets = options.socket.bytesRead;
  return {
    for: reasonOf(state),
    isLoggedIn: session?.credential !== undefined,
    ageMs: now - options.openedAt,
    stageMs: now - state.stageAt,
    silentMs: now - state.octetsAt,
  };
}

function reasonOf({ over, conversation }: State): Waiting['for'] {
  if (over) return 'goodbye';
  const at = conversation?.session().stage.at ?? 'securing';
  if (at === 'securing') return 'handshake';
  if (conversation?.isAsking()) return 'us';
  return at === 'data' ? 'data' : 'command';
}

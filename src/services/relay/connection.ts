import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

import { type Conversation, type ConversationOptions, openConversation, type Peer } from './conversation.ts';
import { judgePatience, type Patience, type Waiting } from './patience.ts';
import { readProxyHeader } from './proxy-header.ts';
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
  /** True when only what a proxy says of the client is believed. */
  readonly behindProxy: boolean;
  /** How to speak with a client of this address. */
  conversation(address: string): Omit<ConversationOptions, 'peer'>;
  readonly patience: Patience;
  /** When it was accepted, on the clock that `check` is called with. */
  readonly openedAt: number;
  closed(): void;
}

interface State {
  address: string;
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
    address: socket.remoteAddress ?? '',
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
  if (options.behindProxy) hearProxy(state, () => begin(state));
  else begin(state);
  return {
    check: (now) => check(state, now),
    shutDown: () => (state.conversation ? state.conversation.interrupt('shutdown') : socket.destroy()),
    destroy: () => socket.destroy(),
  };
}

function begin(state: State): void {
  if (state.options.implicitTls) void upgrade(state).then(() => converse(state), ignoreBrokenHandshake);
  else converse(state);
}

/** A proxy that does not say in time for whom it speaks, or not in its protocol, is not let in. */
function hearProxy(state: State, go: () => void): void {
  const { socket } = state.options;
  let heard: Buffer = Buffer.alloc(0);
  const hear = (octets: Buffer) => {
    heard = Buffer.concat([heard, octets]);
    const header = readProxyHeader(heard);
    if (header.state === 'more') return;
    socket.off('data', hear).pause();
    if (header.state === 'bad') return void socket.destroy();
    state.address = header.address ?? state.address;
    socket.unshift(header.rest);
    go();
  };
  socket.on('data', hear);
}

function converse(state: State): void {
  if (state.stream.destroyed) return;
  state.conversation = openConversation({
    ...state.options.conversation(state.address),
    peer: peerOf(state),
  });
  listen(state);
  state.stream.resume();
}

function peerOf(state: State): Peer {
  return {
    send: (text) => state.stream.destroyed || sayAtEndOfTurn(state.stream, text),
    secure: () =>
      new Promise((resolve) => {
        uncork(state.stream);
        dropPlainText(state);
        upgrade(state).then(() => resolve(listen(state)), ignoreBrokenHandshake);
      }),
    pause: () => {
      state.stream.pause();
    },
    resume: () => {
      state.stream.resume();
    },
    hangUp: () => hangUp(state),
  };
}

/**
 * A write wakes the client that waits for it, and to wake many at once costs hardly more than to wake one: all that were heard in one
 * turn of the event loop are answered at its end. False as for a write.
 */
function sayAtEndOfTurn(stream: Socket, text: string): boolean {
  if (stream.writableCorked === 0) {
    stream.cork();
    setImmediate(uncork, stream);
  }
  return stream.write(text, 'latin1');
}

function uncork(stream: Socket): void {
  stream.uncork();
}

function listen(state: State): void {
  const { stream } = state;
  const hear = (octets: Buffer) => state.conversation?.hear(octets);
  const hearEnd = () => state.conversation?.hearEnd();
  const hearDrain = () => state.conversation?.hearDrain();
  stream.on('data', hear).on('end', hearEnd).on('drain', hearDrain);
  state.unlisten = () => stream.off('data', hear).off('end', hearEnd).off('drain', hearDrain);
}

/** What was read before a handshake that the client asked for is no part of it. */
function dropPlainText(state: State): void {
  state.unlisten();
  while (state.options.socket.read() !== null);
}

/** Puts TLS on the connection (RFC 3207, RFC 8314). A handshake that fails closes it, and the promise rejects. */
async function upgrade(state: State): Promise<void> {
  const { socket, context } = state.options;
  const secureContext = context();
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
  stream.disableRenegotiation();
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

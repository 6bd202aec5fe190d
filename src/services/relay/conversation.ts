import { answerAsk, type Answers, type OwnPart, type Soon, type StoreAsk } from './answers.ts';
import type { Body } from './body.ts';
import { type DataReader, type DataStep, readData } from './data.ts';
import { readLine } from './line.ts';
import { replyText, type Said } from './replies.ts';
import { respond } from './respond.ts';
import { type Ask, type Input, openSession, type Policy, type Session, type StoreAnswer } from './session.ts';

/** The client's end of a conversation. */
export interface Peer {
  /** False when the client does not read what it is told; then `hearDrain` says when it has. */
  send(text: string): boolean;
  /** Turns the connection into TLS; resolves when the handshake is done. */
  secure(): Promise<void>;
  /** No octets are wanted until `resume`. */
  pause(): void;
  resume(): void;
  /** All is said. */
  hangUp(): void;
}

export interface Conversation {
  /** What the client sent; how it was cut into pieces makes no difference. */
  hear(octets: Buffer): void;
  /** The client will send no more. */
  hearEnd(): void;
  /** The client has read its replies: it is listened to again. */
  hearDrain(): void;
  interrupt(why: 'timeout' | 'shutdown'): void;
  /** The connection is lost: frees what was received. */
  abandon(): void;
  session(): Session;
  /** True while the world, not the client, is waited for. */
  isAsking(): boolean;
}

export interface ConversationOptions {
  readonly policy: Policy & { readonly maxCommandBytes: number };
  readonly answers: Answers;
  readonly peer: Peer;
  openBody(): Body;
  /** Hears every reply, for the figures. */
  said(said: Said): void;
  /** Hears of an answer that failed; the client is told 421. */
  failed(error: unknown): void;
}

interface State {
  readonly options: ConversationOptions;
  readonly own: OwnPart;
  session: Session;
  /** Octets that were heard; what is not understood yet begins at `at`. */
  rest: Buffer;
  at: number;
  text: string;
  asking: boolean;
  paused: boolean;
  clogged: boolean;
  inLongLine: boolean;
  heardEnd: boolean;
  over: boolean;
  body: Body | undefined;
  reader: DataReader | undefined;
}

const nothing = Buffer.alloc(0);

/** Begins with the question whether the client is welcome. Replies of one turn leave in one write. */
export function openConversation(options: ConversationOptions): Conversation {
  const state = beginState(options);
  pose(state, { ask: 'admit' });
  advance(state);
  return {
    hear: (octets) => hear(state, octets),
    hearEnd: () => {
      state.heardEnd = true;
      advance(state);
    },
    hearDrain: () => {
      state.clogged = false;
      advance(state);
    },
    interrupt: (why) => {
      if (state.over) return;
      take(state, { got: why });
      advance(state);
    },
    abandon: () => abandon(state),
    session: () => state.session,
    isAsking: () => state.asking,
  };
}

function beginState(options: ConversationOptions): State {
  const state: State = {
    options,
    own: {
      secure: () => secure(state),
      store: (asked) => store(state, asked),
      failed: (error) => options.failed(error),
    },
    session: openSession(options.policy.protection),
    rest: nothing,
    at: 0,
    text: '',
    asking: false,
    paused: false,
    clogged: false,
    inLongLine: false,
    heardEnd: false,
    over: false,
    body: undefined,
    reader: undefined,
  };
  return state;
}

function hear(state: State, octets: Buffer): void {
  if (state.over) return;
  if (state.session.stage.at === 'door') take(state, { got: 'early-octets' });
  keepRest(state, hasRest(state) ? Buffer.concat([state.rest.subarray(state.at), octets]) : octets);
  advance(state);
}

function hasRest({ rest, at }: State): boolean {
  return at < rest.length;
}

/** What is understood is let go, so that an empty rest does not keep all that was read in memory. */
function keepRest(state: State, octets: Buffer, at = 0): void {
  state.rest = at < octets.length ? octets : nothing;
  state.at = at < octets.length ? at : 0;
}

function take(state: State, input: Input): void {
  const { session, say, ask } = respond(state.session, input, state.options.policy);
  state.session = session;
  for (const said of say ?? []) {
    state.options.said(said);
    state.text += replyText(said);
  }
  if (session.stage.at === 'data' && !state.reader) openData(state);
  if (ask) pose(state, ask);
}

function pose(state: State, ask: Ask): void {
  const answer = answerTo(state, ask);
  if (!(answer instanceof Promise)) return take(state, answer);
  state.asking = true;
  void answer.then((input) => hearAnswer(state, input));
}

function hearAnswer(state: State, input: Input): void {
  state.asking = false;
  if (state.over) return;
  take(state, input);
  advance(state);
}

function answerTo(state: State, ask: Ask): Soon<Input> {
  return answerAsk(ask, state.options.answers, state.own);
}

/** What came in plain text behind STARTTLS was never said by the client we will know (CVE-2011-0411). */
function secure(state: State): Promise<void> {
  keepRest(state, nothing);
  flush(state);
  return state.options.peer.secure();
}

async function store(state: State, ask: StoreAsk): Promise<StoreAnswer> {
  const { body } = state;
  state.body = undefined;
  if (!body) throw new TypeError('there is no message to store');
  try {
    return await state.options.answers.store(ask, body);
  } finally {
    body.close();
  }
}

function openData(state: State): void {
  const body = state.options.openBody();
  state.body = body;
  state.reader = readData(state.options.policy, (octets) => body.write(octets));
}

function advance(state: State): void {
  while (isReading(state) && hasRest(state) && understand(state));
  if (state.over) return;
  flush(state);
  if (state.session.stage.at === 'gone' || (state.heardEnd && isReading(state))) return hangUp(state);
  adjustFlow(state);
}

function isReading(state: State): boolean {
  return !state.over && !state.asking && !state.clogged && state.session.stage.at !== 'gone';
}

/** Takes one line or one piece of a message off the rest; false when there is no whole line. */
function understand(state: State): boolean {
  const { reader, rest, at } = state;
  return reader ? understandData(state, reader(at > 0 ? rest.subarray(at) : rest)) : understandLine(state);
}

function understandLine(state: State): boolean {
  const step = readLine(state.rest, state.at, state.options.policy.maxCommandBytes);
  if (step.state === 'more') return forgetEndless(state);
  keepRest(state, state.rest, step.to);
  if (state.inLongLine || step.state === 'long') take(state, { got: 'long-line' });
  else take(state, step.state === 'line' ? { got: 'line', line: step.line } : { got: 'bare-line-end' });
  state.inLongLine = false;
  return true;
}

/** A line that is too long already is not kept; it is answered when it ends. */
function forgetEndless(state: State): false {
  if (state.rest.length - state.at > state.options.policy.maxCommandBytes) {
    keepRest(state, nothing);
    state.inLongLine = true;
  }
  return false;
}

function understandData(state: State, step: DataStep): boolean {
  const busy = state.body?.busy();
  keepRest(state, step.state === 'end' ? step.rest : nothing);
  if (step.state !== 'more') state.reader = undefined;
  if (busy) waitFor(state, busy, step);
  else endData(state, step);
  return true;
}

function waitFor(state: State, busy: Promise<void>, step: DataStep): void {
  state.asking = true;
  void busy.then(() => goOn(state, step));
}

function goOn(state: State, step: DataStep): void {
  state.asking = false;
  if (state.over) return;
  endData(state, step);
  advance(state);
}

function endData(state: State, step: DataStep): void {
  if (step.state === 'more') return;
  if (step.state === 'bare') return take(state, { got: 'bare-line-end' });
  const isKept = step.end !== 'complete' || state.body?.isKept() === true;
  take(state, { got: 'data', end: isKept ? step.end : 'no-room' });
  dropBody(state);
}

function dropBody(state: State): void {
  state.body?.close();
  state.body = undefined;
}

function flush(state: State): void {
  if (state.text === '') return;
  const { text } = state;
  state.text = '';
  if (!state.options.peer.send(text)) state.clogged = true;
}

/** While the world is asked, at most one piece is held, and none beside one that goes to the disk; the rest waits in the client's kernel. */
function adjustFlow(state: State): void {
  const shouldPause = !isReading(state) && (hasRest(state) || state.body?.busy() !== undefined);
  if (shouldPause === state.paused) return;
  state.paused = shouldPause;
  if (shouldPause) state.options.peer.pause();
  else state.options.peer.resume();
}

function hangUp(state: State): void {
  abandon(state);
  state.options.peer.hangUp();
}

function abandon(state: State): void {
  state.over = true;
  keepRest(state, nothing);
  state.reader = undefined;
  dropBody(state);
}

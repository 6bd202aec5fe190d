import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Target } from './served-program.ts';

/** What is sent in one write, and how many replies are waited for before the next. */
export type Script = readonly { readonly octets: Buffer; readonly replies: number }[];

export interface Conversation {
  /** Until the client is logged in. */
  readonly opening: Script;
  /** The next transaction; undefined when there shall be no other. */
  next(): Script | undefined;
  /** Hears the last reply to a transaction. */
  done(reply: string): void;
  readonly quit: Buffer;
  readonly silenceMs: number;
}

interface State {
  readonly conversation: Conversation;
  readonly send: (octets: Buffer) => void;
  script: Script;
  step: number;
  /** Replies that are waited for. */
  left: number;
  isOpening: boolean;
}

/**
 * Speaks on one connection until nothing is left to be sent. Buffers are made before and replies read into one that is used again, so
 * that the client costs little beside its system calls. Rejects when the connection ends too soon, or a command is refused.
 */
export function converse(target: Target, conversation: Conversation): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: Error) => {
      reject(why);
      socket.destroy();
    };
    const hear = (reply: string) => {
      const end = advance(state, reply);
      if (end === 'refused') fail(new Error(`refused: ${reply.trim()}`));
      if (end !== 'over') return;
      resolve();
      socket.end(conversation.quit);
    };
    const socket = open(target, replyReader(hear));
    const state: State = {
      conversation,
      send: (octets) => socket.write(octets),
      script: conversation.opening,
      step: 0,
      left: conversation.opening[0]?.replies ?? 0,
      isOpening: true,
    };
    socket.setTimeout(conversation.silenceMs, () => fail(new Error('the server says nothing')));
    socket.on('error', fail);
    socket.on('close', () => reject(new Error('the server closed the connection')));
  });
}

/** Only the end of a transaction may be refused; it is counted by `done`. */
function advance(state: State, reply: string): 'refused' | 'over' | undefined {
  const isLastStep = state.step + 1 === state.script.length;
  if ((state.isOpening || !isLastStep) && !/^[23]/.test(reply)) return 'refused';
  state.left -= 1;
  if (state.left > 0) return undefined;
  state.step += 1;
  if (isLastStep && !begin(state, reply)) return 'over';
  const { octets, replies } = state.script[state.step] ?? { octets: Buffer.alloc(0), replies: 0 };
  state.left = replies;
  state.send(octets);
  return undefined;
}

/** Goes on to the next transaction; false when there is none. */
function begin(state: State, reply: string): boolean {
  if (!state.isOpening) state.conversation.done(reply);
  const next = state.conversation.next();
  if (!next) return false;
  Object.assign(state, { script: next, step: 0, isOpening: false });
  return true;
}

const readBytes = 16 * 1024;
const shared = new Uint8Array(readBytes);

function open({ port, tls }: Target, hear: (octets: Buffer) => void): Socket {
  const where = { host: '127.0.0.1', port };
  if (tls) return connectTls({ ...where, rejectUnauthorized: false }).on('data', hear);
  const callback = (bytes: number) => {
    hear(Buffer.from(shared.buffer, 0, bytes));
    return true;
  };
  return connect({ ...where, noDelay: true, onread: { buffer: shared, callback } });
}

/** Tells of each reply when its last line is there (RFC 5321 §4.2.1). */
function replyReader(tell: (reply: string) => void): (octets: Buffer) => void {
  let heard = '';
  return (octets) => {
    heard += octets.toString('latin1');
    let start = 0;
    for (let end = heard.indexOf('\n'); end >= 0; end = heard.indexOf('\n', end + 1)) {
      const line = heard.lastIndexOf('\n', end - 1) + 1;
      if (heard[line + 3] === '-') continue;
      const reply = heard.slice(start, end + 1);
      start = end + 1;
      tell(reply);
    }
    heard = heard.slice(start);
  };
}

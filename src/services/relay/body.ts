import type { Budget } from './budget.ts';
import { type Octets, partsFrom } from './octets.ts';
import { openPile, type Pile } from './pile.ts';
import type { Pool } from './pool.ts';
import { openSpill, type Spill } from './spill.ts';

/** The octets of one message while they arrive and until they are stored. */
export interface Body {
  /** Adds a slice, which is kept, not copied. Not while `busy`. */
  write(octets: Buffer): void;
  /** Set while the disk catches up; nothing more may be written before it resolves. Never rejects. */
  busy(): Promise<void> | undefined;
  /** False when the disk could not take it; the message cannot be kept. */
  isKept(): boolean;
  size(): number;
  /** At most `bytes` octets from the beginning. Of messages that are on disk only a few are read at once: it waits for its turn. */
  head(bytes: number): Buffer | Promise<Buffer>;
  /** `top` followed by the message from octet `from` on, valid until `close`. After `head`. */
  assemble(top: Uint8Array, from: number): Octets;
  /** Frees memory and disk. */
  close(): void;
}

export interface BodyOptions {
  /** A path that no other body gets. */
  spillPath(): string;
  readonly spillBytes: number;
  readonly budget: Budget;
  /** For reading back what is on disk. */
  readonly pool: Pool;
}

interface State {
  readonly options: BodyOptions;
  readonly pile: Pile;
  spill: Spill | undefined;
  moving: Promise<void> | undefined;
  size: number;
  assembled: number;
  borrowed: Buffer | undefined;
  kept: boolean;
  closed: boolean;
}

/** A body in memory, which moves to a file when it is larger than `spillBytes`, or when the budget is exhausted. */
export function openBody(options: BodyOptions): Body {
  const state: State = {
    options,
    pile: openPile(options.budget),
    spill: undefined,
    moving: undefined,
    size: 0,
    assembled: 0,
    borrowed: undefined,
    kept: true,
    closed: false,
  };
  return {
    write: (octets) => write(state, octets),
    busy: () => state.moving,
    isKept: () => state.kept,
    size: () => state.size,
    head: (bytes) => head(state, Math.min(bytes, state.size)),
    assemble: (top, from) => assemble(state, top, from),
    close: () => close(state),
  };
}

function write(state: State, octets: Buffer): void {
  const { options, pile } = state;
  state.size += octets.length;
  if (!state.kept || state.closed) return;
  pile.add(octets);
  if (state.moving) return;
  if (state.spill || state.size > options.spillBytes || options.budget.isExhausted()) {
    state.moving = moveToDisk(state);
  }
}

async function moveToDisk(state: State): Promise<void> {
  do await movePile(state);
  while (state.kept && !state.closed && state.pile.parts().length > 0);
  state.moving = undefined;
  if (state.closed) await state.spill?.close();
}

/** A disk that errs costs this message alone: the client is told so when it has sent it. */
async function movePile(state: State): Promise<void> {
  const [parts, held] = state.pile.takeOut();
  try {
    state.spill ??= await openSpill(state.options.spillPath());
    await state.spill.append(parts);
  } catch {
    state.kept = false;
  } finally {
    state.options.budget.give(held);
  }
}

function head(state: State, bytes: number): Buffer | Promise<Buffer> {
  const { spill, pile } = state;
  if (spill) return readBack(state, spill, bytes);
  const [first, second] = pile.parts();
  return first && !second ? first.subarray(0, bytes) : Buffer.concat(pile.parts(), bytes);
}

async function readBack(state: State, spill: Spill, bytes: number): Promise<Buffer> {
  state.borrowed ??= await state.options.pool.borrow();
  const target = Buffer.allocUnsafe(bytes);
  await spill.read(target, 0);
  return target;
}

function assemble(state: State, top: Uint8Array, from: number): Octets {
  const { spill, borrowed, pile, options } = state;
  const length = top.length + state.size - from;
  if (spill && borrowed) {
    return { length, beginning: top, rest: () => pieces(spill, { from, to: state.size }, borrowed) };
  }
  options.budget.take(top.length);
  state.assembled += top.length;
  return { length, parts: [top, ...partsFrom(from, pile.parts())] };
}

async function* pieces(
  spill: Spill,
  { from, to }: { readonly from: number; readonly to: number },
  buffer: Buffer,
): AsyncGenerator<Buffer> {
  for (let at = from; at < to; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, to - at));
    await spill.read(piece, at);
    yield piece;
  }
}

function close(state: State): void {
  if (state.closed) return;
  state.closed = true;
  const [, held] = state.pile.takeOut();
  if (state.borrowed) state.options.pool.giveBack(state.borrowed);
  state.options.budget.give(held + state.assembled);
  if (!state.moving) void state.spill?.close();
}

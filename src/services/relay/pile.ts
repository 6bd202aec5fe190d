import type { Budget } from './budget.ts';

const smallBytes = 1024;
const blockBytes = 8192;
const nothing = Buffer.alloc(0);

/** Octets in memory, in order, counted in the budget by the memory they hold. */
export interface Pile {
  add(octets: Buffer): void;
  parts(): readonly Buffer[];
  /** Empties the pile; the second figure is for the budget to be given back when the parts are let go. */
  takeOut(): readonly [readonly Buffer[], number];
}

interface State {
  readonly budget: Budget;
  parts: Buffer[];
  block: Buffer;
  filled: number;
  held: number;
}

/** A pile keeps slices as they are, but gathers tiny ones, so that a client that drips octets costs no more memory than it sends. */
export function openPile(budget: Budget): Pile {
  const state: State = { budget, parts: [], block: nothing, filled: 0, held: 0 };
  return {
    add: (octets) => add(state, octets),
    parts: () => sealed(state),
    takeOut: () => {
      const out = [sealed(state), state.held] as const;
      state.parts = [];
      state.held = 0;
      return out;
    },
  };
}

function add(state: State, octets: Buffer): void {
  if (octets.length < smallBytes && state.parts.length > 0) return gather(state, octets);
  sealed(state).push(octets);
  hold(state, octets.length);
}

function gather(state: State, octets: Buffer): void {
  if (state.filled + octets.length > state.block.length) {
    sealed(state);
    state.block = Buffer.allocUnsafe(blockBytes);
    hold(state, blockBytes);
  }
  state.filled += octets.copy(state.block, state.filled);
}

function sealed(state: State): Buffer[] {
  if (state.filled > 0) state.parts.push(state.block.subarray(0, state.filled));
  state.block = nothing;
  state.filled = 0;
  return state.parts;
}

function hold(state: State, bytes: number): void {
  state.held += bytes;
  state.budget.take(bytes);
}

import type { z } from 'zod';

/** Who reads a variable: a service, or `operator` for the commands a person types. */
export type Room = 'relay' | 'api' | 'worker' | 'scheduler' | 'sink' | 'operator';

interface Note<R extends readonly Room[]> {
  readonly section: string;
  /** One sentence for the reader of `.env` and README. */
  readonly means: string;
  readonly readBy: R;
  /** Text of the default; without it the variable is required, unless it is `optional`. */
  readonly fallback?: string;
  readonly optional?: true;
  readonly secret?: true;
  /** May be given as `NAME_FILE`, as every secret may. */
  readonly alsoFile?: true;
  /** Services take a new value without a restart. */
  readonly rotates?: true;
  /** Made by `mailctl init`, so that `.env` has it from the start. */
  readonly generated?: true;
}

export interface Variable<
  S extends z.ZodType = z.ZodType,
  R extends readonly Room[] = readonly Room[],
> extends Note<R> {
  readonly shape: S;
}

/** Declares one variable: its shape, and all that any projection says about it. */
export function variable<
  S extends z.ZodType<unknown, string>,
  const R extends readonly Room[],
  const N extends Note<R>,
>(shape: S, note: N & Note<R>): N & { readonly shape: S } {
  return { ...note, shape };
}

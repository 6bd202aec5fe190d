import type { z } from 'zod';

import { ApiProblem } from './problem.ts';

/** A place in a list as clients keep it: text they need not understand. */
export function writeCursor(place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The place a cursor names; refuses one that this api did not give. */
export function readCursor<S extends z.ZodType>(shape: S, cursor: string): z.output<S> {
  const found = shape.safeParse(parsed(cursor));
  if (found.success) return found.data;
  throw new ApiProblem('invalid-field', 'cursor is none that this api gave', { field: 'cursor' });
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    // What is no JSON is no cursor either.
    return undefined;
  }
}

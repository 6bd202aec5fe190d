import type { ConfigOf } from '../../src/config/environment.ts';
import type { Live } from '../../src/config/live.ts';
import type { Room } from '../../src/config/variable.ts';

/** A configuration whose secrets nobody replaces. */
export function still<R extends Room>(config: ConfigOf<R>): Live<R> {
  return { config, reread: async () => [], held: () => new Map() };
}

import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

import type { Log } from '../adapters/log.ts';

/**
 * Takes a nice value, unless whoever started the process gave it one. To come forward, below 0, takes a right that not everybody has:
 * without it the process stays where it is.
 */
export function takeNice(nice: number, log: Log): void {
  if (nice === 0 || getPriority() !== 0) return;
  try {
    for (const thread of threadsFor(nice)) setPriority(thread, nice);
  } catch (error) {
    log.debug('the nice value stays 0', { wanted: nice, error });
  }
}

/** 0 is the calling one. Linux gives each a nice value of its own (sched(7)): garbage collection, on others, stands back but never comes forward. */
function threadsFor(nice: number): readonly number[] {
  return nice < 0 ? [0] : readdirSync('/proc/self/task').map(Number);
}

import { getPriority, setPriority } from 'node:os';

import type { Log } from '../adapters/log.ts';

/**
 * Takes a nice value, unless whoever started the process gave it one. To come forward, below 0, takes a right that not everybody has:
 * without it the process stays where it is.
 */
export function takeNice(nice: number, log: Log): void {
  if (nice === 0 || getPriority() !== 0) return;
  try {
    setPriority(nice);
  } catch (error) {
    log.debug('the nice value stays 0', { wanted: nice, error });
  }
}

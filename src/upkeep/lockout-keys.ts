import { createHash } from 'node:crypto';

import { type Attempt, loginNetworkOf, type Subject } from '../domain/lockout.ts';

/** Where things of lockouts stand in Redis. */
export const prefixes = {
  lock: 'mailctl:lock:',
  failures: 'mailctl:failures:',
  /** How often a subject was locked. */
  locks: 'mailctl:locks:',
  known: 'mailctl:known:',
  guess: 'mailctl:guess:',
} as const;

/** The value of a lock that nobody's failures end or shorten begins with this word. */
export const byOperator = 'operator';

/** The key of a subject's lock. */
export function lockKey(subject: Subject): string {
  return `${prefixes.lock}${shown(subject)}`;
}

/** The key of a subject's failures. */
export function failuresKey(subject: Subject): string {
  return `${prefixes.failures}${shown(subject)}`;
}

/** The key of how often a subject was locked. */
export function locksKey(subject: Subject): string {
  return `${prefixes.locks}${shown(subject)}`;
}

/** The key of a user and a network it logged in from. */
export function knownKey({ address, username }: Attempt): string {
  return `${prefixes.known}${shown(`${username} ${loginNetworkOf(address ?? '')}`)}`;
}

/** A name that nobody would choose, and that would not fit on a line, stands as its digest. */
function shown(text: string): string {
  return /^[\x20-\x7E]{1,200}$/.test(text)
    ? text
    : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

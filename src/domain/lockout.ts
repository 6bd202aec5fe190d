import { isIPv6 } from 'node:net';

import { networkOf } from './network.ts';

/** What failed logins add up for. */
export type Counted = 'network' | 'username' | 'pair';

/** What a lock stands on; an operator may also lock one address. */
export type Subject = `${Counted | 'address'}:${string}`;

/** When failures lock, and for how long; times in milliseconds. */
export interface LockoutRules {
  /** Failures that lock. */
  readonly failures: Readonly<Record<Counted, number>>;
  readonly windowMs: number;
  readonly firstMs: number;
  readonly longestMs: number;
  /** After a lock, how long the next one is still longer. */
  readonly memoryMs: number;
  /** How long a network is exempt from the lock of a user name that logged in from it. */
  readonly knownMs: number;
}

/** Who tries to log in, and from where; no address for one that stands for many clients. */
export interface Attempt {
  readonly address: string | undefined;
  readonly username: string;
}

/** The network that failed logins of an address add up for: its /24, or the /64 of an IPv6 address. */
export function loginNetworkOf(address: string): string {
  const network = networkOf(address);
  const [, head] = /^(\d+\.\d+\.\d+)\.\d+$/.exec(network) ?? [];
  return head === undefined ? network : `${head}.0/24`;
}

/** What a connection from an address is locked by. */
export function originSubjects(address: string): readonly [network: Subject, address: Subject] {
  return [`network:${loginNetworkOf(address)}`, `address:${plainAddress(address)}`];
}

/** What a failure of this attempt adds up for. One from a network that the user knows does not lock the user out elsewhere. */
export function countedSubjects({ address, username }: Attempt, isKnown: boolean): readonly CountedSubject[] {
  const network = address === undefined ? undefined : loginNetworkOf(address);
  return [
    ...(network === undefined ? [] : [{ counted: 'network', subject: `network:${network}` } as const]),
    ...(isKnown ? [] : [{ counted: 'username', subject: usernameSubject(username) } as const]),
    ...(network === undefined ? [] : [{ counted: 'pair', subject: pairSubject(network, username) } as const]),
  ];
}

export interface CountedSubject {
  readonly counted: Counted;
  readonly subject: Subject;
}

/** The lock on a user name, wherever it logs in from. */
export function usernameSubject(username: string): Subject {
  return `username:${username}`;
}

/** The lock on a user name in one network. */
function pairSubject(network: string, username: string): Subject {
  return `pair:${network} ${username}`;
}

/** How long the first lock lasts, the second, …; every one after the last is as long as the last. */
export function lockSteps({ firstMs, longestMs }: LockoutRules): readonly number[] {
  const steps: number[] = [];
  for (let ms = Math.max(1, firstMs); ms < longestMs; ms *= 2) steps.push(ms);
  return [...steps, longestMs];
}

/** Rules that lock after a part of the failures. */
export function stricter(rules: LockoutRules, divisor: number): LockoutRules {
  const part = (failures: number) => Math.max(1, Math.floor(failures / divisor));
  const { network, username, pair } = rules.failures;
  return { ...rules, failures: { network: part(network), username: part(username), pair: part(pair) } };
}

/** What is kept of a subject; times comparable with `nowMs`. */
export interface FailureRecord {
  readonly failures: number;
  readonly windowEndsMs: number;
  readonly locks: number;
  readonly locksForgottenMs: number;
  readonly lockedUntilMs: number;
}

/** Adds a failure to what is kept. Failures of an earlier window, and locks longer ago than the memory, are forgotten. */
export function addFailure(
  record: FailureRecord | undefined,
  most: number,
  rules: LockoutRules,
  nowMs: number,
): FailureRecord {
  const { failures: before, locks, ...kept } = stillKept(record, rules, nowMs);
  const failures = before + 1;
  if (failures < most) return { ...kept, failures, locks };
  const steps = lockSteps(rules);
  const lockedUntilMs = nowMs + (steps[Math.min(locks, steps.length - 1)] ?? rules.longestMs);
  return {
    failures: 0,
    windowEndsMs: nowMs,
    locks: locks + 1,
    locksForgottenMs: lockedUntilMs + rules.memoryMs,
    lockedUntilMs,
  };
}

function stillKept(
  record: FailureRecord = nothingKept,
  { windowMs }: LockoutRules,
  nowMs: number,
): FailureRecord {
  const goesOn = nowMs < record.windowEndsMs;
  return {
    ...record,
    failures: goesOn ? record.failures : 0,
    windowEndsMs: goesOn ? record.windowEndsMs : nowMs + windowMs,
    locks: nowMs < record.locksForgottenMs ? record.locks : 0,
  };
}

const nothingKept: FailureRecord = {
  failures: 0,
  windowEndsMs: -Infinity,
  locks: 0,
  locksForgottenMs: -Infinity,
  lockedUntilMs: 0,
};

/** One spelling an address: IPv4 in IPv6 as IPv4, IPv6 as RFC 5952 writes it. */
function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? (isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare);
}

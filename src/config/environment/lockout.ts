import { count, duration, networks } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Brute force (SMTP logins)';
const readBy = ['relay'] as const;

/** When failed logins lock, and for how long. */
export const lockout = {
  LOCKOUT_WINDOW: variable(duration, {
    section,
    readBy,
    means: 'Time in which failed logins add up; the same wrong password counts once in it',
    fallback: '15m',
  }),
  LOCKOUT_NETWORK_FAILURES: variable(count(1), {
    section,
    readBy: ['relay', 'operator'],
    means: 'Wrong passwords that lock a network (/24 of IPv4, /64 of IPv6)',
    fallback: '30',
  }),
  LOCKOUT_USERNAME_FAILURES: variable(count(1), {
    section,
    readBy: ['relay', 'operator'],
    means: 'Wrong passwords that lock a user name, except for networks it has logged in from',
    fallback: '15',
  }),
  LOCKOUT_PAIR_FAILURES: variable(count(1), {
    section,
    readBy: ['relay', 'operator'],
    means: 'Wrong passwords that lock a user name for one network',
    fallback: '8',
  }),
  LOCKOUT_FIRST: variable(duration, {
    section,
    readBy,
    means: 'Length of the first lockout; each further one is twice as long',
    fallback: '1m',
  }),
  LOCKOUT_LONGEST: variable(duration, {
    section,
    readBy,
    means: 'Length that a lockout grows to at most',
    fallback: '1d',
  }),
  LOCKOUT_MEMORY: variable(duration, {
    section,
    readBy,
    means: 'How long after a lockout the next one is still longer',
    fallback: '1d',
  }),
  LOCKOUT_KNOWN_NETWORK: variable(duration, {
    section,
    readBy,
    means: 'How long after a login a network stays exempt from the lockout of that user name',
    fallback: '30d',
  }),
  LOCKOUT_DEGRADED_DIVISOR: variable(count(1), {
    section,
    readBy,
    means: 'While Redis is away, this part of the failures is enough to lock',
    fallback: '2',
  }),
  LOCKOUT_ENTRIES: variable(count(100), {
    section,
    readBy,
    means: 'Networks and user names that one process counts at once',
    fallback: '50000',
  }),
  LOCKOUT_TARPIT: variable(duration, {
    section,
    readBy,
    means: 'Pause before a wrong password is answered',
    fallback: '1s',
  }),
  RELAY_NEVER_COUNTED: variable(networks, {
    section,
    readBy: ['relay', 'operator'],
    means: "Addresses (CIDR) that stand for many clients, such as the container gateway's: never locked",
    fallback: '',
  }),
};

import {
  count,
  domainName,
  duration,
  flag,
  listen,
  listenOrOff,
  networks,
  path,
  size,
  wait,
} from '../shapes.ts';
import { variable } from '../variable.ts';
import { relayJournal } from './relay-journal.ts';

const section = 'Relay (SMTP submission)';
const readBy = ['relay'] as const;

/** The SMTP door: where it listens, what it allows, how long it waits. */
export const relay = {
  RELAY_HOSTNAME: variable(domainName, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Name the relay greets with, and that its certificate is for',
    generated: true,
  }),
  RELAY_SUBMISSION_LISTEN: variable(listenOrOff, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Submission with STARTTLS before AUTH (RFC 6409)',
    fallback: '0.0.0.0:587',
  }),
  RELAY_TLS_LISTEN: variable(listenOrOff, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Submission with implicit TLS (RFC 8314)',
    fallback: '0.0.0.0:465',
  }),
  RELAY_PRIVATE_LISTEN: variable(listenOrOff, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Submission without TLS, for a private network only; AUTH is still required',
    fallback: 'off',
  }),
  RELAY_HEALTH_LISTEN: variable(listen, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Health and metrics of the relay',
    fallback: '127.0.0.1:9101',
  }),
  RELAY_PROXY_FROM: variable(networks, {
    section,
    readBy,
    means:
      'Proxies whose PROXY protocol header (v1, v2) names the client; with any, all other peers are turned away',
    fallback: '',
  }),
  RELAY_TLS_CERT_FILE: variable(path, { section, readBy, means: 'Certificate chain, PEM', optional: true }),
  RELAY_TLS_KEY_FILE: variable(path, {
    section,
    readBy,
    means: 'Private key of the certificate, PEM',
    optional: true,
  }),
  RELAY_MAX_CONNECTIONS: variable(count(1), {
    section,
    readBy,
    means: 'Connections open at once',
    fallback: '1000',
  }),
  RELAY_MAX_MESSAGE_BYTES: variable(size, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Largest message, announced as SIZE (RFC 1870)',
    fallback: '25MB',
  }),
  RELAY_MAX_RECIPIENTS: variable(count(1), {
    section,
    readBy,
    means: 'Recipients of one message',
    fallback: '100',
  }),
  RELAY_MAX_COMMANDS: variable(count(10), {
    section,
    readBy,
    means: 'Commands after which a session is ended; counted anew from each accepted message',
    fallback: '1000',
  }),
  RELAY_MAX_ERRORS: variable(count(1), {
    section,
    readBy,
    means: 'Errors after which a session is ended; counted anew from each accepted message',
    fallback: '10',
  }),
  RELAY_MAX_LOGIN_FAILURES: variable(count(1), {
    section,
    readBy,
    means: 'Wrong passwords after which a session is ended',
    fallback: '3',
  }),
  RELAY_MAX_COMMAND_BYTES: variable(size, {
    section,
    readBy,
    means: 'Longest command line, CRLF included; RFC 4954 asks for 12288 because of AUTH',
    fallback: '12KB',
  }),
  RELAY_MAX_HEADER_BYTES: variable(size, {
    section,
    readBy,
    means: 'Largest header of a message',
    fallback: '256KB',
  }),
  RELAY_MAX_LINE_BYTES: variable(size, {
    section,
    readBy,
    means: 'Longest line of a message, CRLF included (RFC 5321 says 1000; real mail is longer)',
    fallback: '64KB',
  }),
  RELAY_TRACE_CLIENT: variable(flag, {
    section,
    readBy,
    means:
      'Name the client and its address in Received, as RFC 5321 and mail servers do; false hides them, as mailbox providers do for people at home',
    fallback: 'true',
  }),
  RELAY_MEMORY_BUDGET: variable(size, {
    section,
    readBy,
    means: 'Octets of messages held in memory at once; beyond it messages move to RELAY_SPILL_DIR',
    fallback: '32MB',
  }),
  RELAY_SPILL_BYTES: variable(size, {
    section,
    readBy,
    means: 'Size from which a message is received into a file instead of memory',
    fallback: '256KB',
  }),
  RELAY_SPILL_DIR: variable(path, {
    section,
    readBy,
    means: 'Where large messages are while they arrive; on a disk, not in memory',
    fallback: '/var/lib/mailctl/spill',
  }),
  DEDUPE_WINDOW: variable(duration, {
    section,
    readBy: ['relay', 'api'],
    means: 'How long a message that a client sends again is recognised as the same',
    fallback: '1d',
  }),
  RELAY_DEDUPE_ENTRIES: variable(count(1), {
    section,
    readBy,
    means: 'Messages the relay itself recognises; beyond it only the api does',
    fallback: '50000',
  }),
  RELAY_GREETING_DELAY: variable(duration, {
    section,
    readBy,
    means: 'Pause before the greeting; a client that talks in it is turned away',
    fallback: '0s',
  }),
  RELAY_TLS_HANDSHAKE_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Longest TLS handshake',
    fallback: '30s',
  }),
  RELAY_TLS_RELOAD_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often the certificate files are looked at; SIGHUP does it at once',
    fallback: '1m',
  }),
  RELAY_LOGIN_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Time in which a client must have logged in',
    fallback: '1m',
  }),
  RELAY_IDLE_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Time without a whole command, or without an octet of a message, after which a session is ended',
    fallback: '5m',
  }),
  RELAY_LINGER_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a client may take to hang up after the last reply',
    fallback: '5s',
  }),
  RELAY_SWEEP_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often slow clients are looked for; the timeouts are kept to within it',
    fallback: '1s',
  }),
  RELAY_DATA_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Longest time one message may take to arrive',
    fallback: '10m',
  }),
  RELAY_SESSION_TIMEOUT: variable(wait, { section, readBy, means: 'Longest session', fallback: '1h' }),
  RELAY_SHUTDOWN_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long messages in flight may finish after SIGTERM',
    fallback: '30s',
  }),
  ...relayJournal,
  RELAY_API_CONNECTIONS: variable(count(1), {
    section,
    readBy,
    means: 'Connections to the api at once, for logins and for handing messages over',
    fallback: '8',
  }),
  RELAY_TOKEN_LOOK_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'Least time between two looks for another API_INTERNAL_TOKEN while the api refuses ours',
    fallback: '1s',
  }),
  SMTP_AUTH_CACHE_TTL: variable(duration, {
    section,
    readBy: ['relay', 'operator'],
    means: 'How long a verified login is believed without asking the api; a disabled one is out within it',
    fallback: '1m',
  }),
  SMTP_AUTH_STALE_TTL: variable(duration, {
    section,
    readBy,
    means: 'How long it is believed while the api cannot be reached',
    fallback: '1d',
  }),
  SMTP_AUTH_RETRY_DELAY: variable(wait, {
    section,
    readBy,
    means: 'How long the api is not asked again about a known user after it could not be reached',
    fallback: '10s',
  }),
  SMTP_AUTH_CACHE_USERS: variable(count(1), {
    section,
    readBy,
    means: 'Verified logins remembered at once',
    fallback: '10000',
  }),
};

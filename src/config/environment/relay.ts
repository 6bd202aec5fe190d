import { domainName, duration, listen, listenOrOff, count, path, size } from '../shapes.ts';
import { variable } from '../variable.ts';

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
    readBy,
    means: 'Health and metrics of the relay',
    fallback: '127.0.0.1:9101',
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
    means: 'Commands of one session',
    fallback: '10000',
  }),
  RELAY_MAX_ERRORS: variable(count(1), {
    section,
    readBy,
    means: 'Errors after which a session is ended',
    fallback: '10',
  }),
  RELAY_MAX_LINE_BYTES: variable(size, {
    section,
    readBy,
    means: 'Longest line of a message, CRLF included (RFC 5321 says 1000; real mail is longer)',
    fallback: '64KB',
  }),
  RELAY_IDLE_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'Silence after which a session is ended',
    fallback: '5m',
  }),
  RELAY_DATA_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'Longest time one message may take to arrive',
    fallback: '10m',
  }),
  RELAY_SESSION_TIMEOUT: variable(duration, { section, readBy, means: 'Longest session', fallback: '1h' }),
  RELAY_SHUTDOWN_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'How long messages in flight may finish after SIGTERM',
    fallback: '30s',
  }),
};

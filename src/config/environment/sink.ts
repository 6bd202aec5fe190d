import { count, duration, listen, path, size, text, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Sink (staging)';
const readBy = ['sink'] as const;

const ipv4 = text.refine((value) => /^(\d{1,3})(\.\d{1,3}){3}$/.test(value), {
  error: 'is no IPv4 address: write for example 10.213.53.53',
});

/** What stands in for the outside world, so that nothing leaves a staging host. */
export const sink = {
  SINK_ADDRESS: variable(ipv4, {
    section,
    readBy: ['sink', 'operator'],
    means: 'Its fixed address in the network of the stack, within STACK_SUBNET',
    fallback: '10.213.53.53',
  }),
  SINK_SMTP_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Where it takes mail for everybody',
    fallback: '0.0.0.0:25',
  }),
  SINK_DNS_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Where it answers DNS, over UDP and TCP',
    fallback: '0.0.0.0:53',
  }),
  SINK_HTTP_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Where the mail it took can be read',
    fallback: '0.0.0.0:8025',
  }),
  SINK_HEALTH_LISTEN: variable(listen, {
    section,
    readBy,
    means: 'Health and metrics of the sink',
    fallback: '127.0.0.1:9105',
  }),
  SINK_RECORDS_FILE: variable(path, {
    section,
    readBy,
    means: 'DNS records it answers with, as JSON of type, name and value; read again when it changes',
    fallback: 'rendered/sink/records.json',
  }),
  SINK_DNS_TTL: variable(duration, {
    section,
    readBy,
    means: 'How long its answers may be remembered',
    fallback: '5s',
  }),
  SINK_KEEP_MESSAGES: variable(count(1), {
    section,
    readBy,
    means: 'Messages kept in memory; the oldest go first',
    fallback: '1000',
  }),
  SINK_KEEP_BYTES: variable(size, {
    section,
    readBy,
    means: 'Octets of messages kept in memory; the oldest go first',
    fallback: '256MB',
  }),
  SINK_MAX_MESSAGE_BYTES: variable(size, {
    section,
    readBy,
    means: 'Largest message it takes',
    fallback: '50MB',
  }),
  SINK_MAX_CONNECTIONS: variable(count(1), {
    section,
    readBy,
    means: 'SMTP connections open at once',
    fallback: '100',
  }),
  SINK_IDLE_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Silence after which an SMTP or DNS connection is ended',
    fallback: '1m',
  }),
};

import { count, duration, emailAddress, wait } from '../shapes.ts';
import { listen, oneOf, path, size, webUrl } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'TLS (nginx and certbot)';
const readBy = ['operator'] as const;

/** The front door: names, certificates, what nginx allows and how long it waits. */
export const tls = {
  TLS_SOURCE: variable(oneOf(['acme', 'files', 'off']), {
    section,
    readBy,
    means: 'Where certificates come from: certbot, files in secrets/, or nowhere (a private network)',
    fallback: 'acme',
    generated: true,
  }),
  ACME_DIRECTORY_URL: variable(webUrl, {
    section,
    readBy,
    means: 'Directory of the certificate authority (RFC 8555 §7.1.1)',
    fallback: 'https://acme-v02.api.letsencrypt.org/directory',
  }),
  ACME_EMAIL: variable(emailAddress, {
    section,
    readBy,
    means: 'Address the certificate authority may write to; without it ADMIN_EMAIL',
    optional: true,
  }),
  ACME_CA_FILE: variable(path, {
    section,
    readBy,
    means: 'Certificate that vouches for the directory, where it is a private one',
    optional: true,
  }),
  CERT_KEY_TYPE: variable(oneOf(['ecdsa', 'rsa']), {
    section,
    readBy,
    means: 'Kind of key that new certificates are for',
    fallback: 'ecdsa',
  }),
  CERT_CHECK_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often certbot looks whether a certificate is due',
    fallback: '12h',
  }),
  CERT_RETRY_DELAY: variable(wait, {
    section,
    readBy,
    means: 'How long it waits after a failure; doubled each time, up to CERT_CHECK_INTERVAL',
    fallback: '15m',
  }),
  CERT_HEALTH_AFTER: variable(duration, {
    section,
    readBy,
    means: 'How long certbot may fail to check or get a certificate before it counts as unhealthy',
    fallback: '2d',
  }),
  NGINX_WORKERS: variable(count(1, 64), { section, readBy, means: 'Processes of nginx', fallback: '2' }),
  NGINX_WORKER_CONNECTIONS: variable(count(64), {
    section,
    readBy,
    means: 'Connections of each, both sides counted',
    fallback: '4096',
  }),
  NGINX_RESOLVER: variable(listen, {
    section,
    readBy,
    means: 'DNS server that tells nginx where the services are',
    fallback: '127.0.0.11:53',
  }),
  NGINX_RELOAD_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often nginx and Postal look whether a certificate changed',
    fallback: '10s',
  }),
  NGINX_CLIENT_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a client may fall silent within a request or an answer',
    fallback: '60s',
  }),
  NGINX_KEEPALIVE_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'How long a connection without a request stays open',
    fallback: '75s',
  }),
  NGINX_CONNECT_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long connecting to a service may take',
    fallback: '5s',
  }),
  NGINX_UPSTREAM_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a service may fall silent within an answer',
    fallback: '60s',
  }),
  NGINX_SHUTDOWN_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long open connections may finish when nginx reloads or stops',
    fallback: '1m',
  }),
  POSTAL_UI_MAX_BODY_BYTES: variable(size, {
    section,
    readBy,
    means: "Largest request body to Postal's pages and API from outside",
    fallback: '20MB',
  }),
};

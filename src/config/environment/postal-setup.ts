import {
  count,
  dnsLabel,
  flag,
  list,
  listen,
  mailboxName,
  networks,
  oneOf,
  path,
  secret,
  size,
  text,
  wait,
  webUrl,
} from '../shapes.ts';
import { variable } from '../variable.ts';

const section = "Postal's own configuration";
const readBy = ['operator'] as const;

/** What the rendered configuration of Postal and its MariaDB is made from. */
export const postalSetup = {
  POSTAL_WEB_PROTOCOL: variable(oneOf(['https', 'http']), {
    section,
    readBy,
    means: "How browsers reach Postal's web interface",
    fallback: 'https',
  }),
  POSTAL_RAILS_SECRET: variable(secret, {
    section,
    readBy,
    means: "Key of the sessions of Postal's web interface",
    secret: true,
    generated: true,
    optional: true,
  }),
  POSTAL_API_FROM_POSTAL: variable(webUrl, {
    section,
    readBy,
    means: 'How Postal reaches our api, for webhooks and incoming mail',
    fallback: 'http://api:8080',
  }),
  POSTAL_PROVISION_FILE: variable(path, {
    section,
    readBy,
    means:
      'What Postal is to hold, as JSON; without the file it follows from .env. mailctl domains add writes it',
    fallback: 'postal.json',
  }),
  POSTAL_TRACK_NAME: variable(dnsLabel, {
    section,
    readBy,
    means: 'First label of the tracking host of each sending domain',
    fallback: 'click',
  }),
  POSTAL_PROBE_NAME: variable(mailboxName, {
    section,
    readBy,
    means:
      'Local part of the address whose mail comes back to the api, for mailctl e2e; one of INBOUND_PROBES',
    fallback: 'e2e-probe',
  }),
  POSTAL_COMPLAINTS_NAME: variable(mailboxName, {
    section,
    readBy,
    means: 'Local part of the address that takes complaints (ARF); one of INBOUND_COMPLAINTS',
    fallback: 'complaints',
  }),
  POSTAL_INBOUND_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long Postal waits for our api when it hands incoming mail over, 5s to 60s',
    fallback: '30s',
  }),
  POSTAL_RAW_RETENTION_DAYS: variable(count(1, 3650), {
    section,
    readBy,
    means: 'Days that Postal keeps bodies; longer than its attempts take, or queued mail loses its body',
    fallback: '30',
  }),
  POSTAL_RAW_RETENTION_SIZE: variable(size, {
    section,
    readBy,
    means: "Size of a mail server's database above which Postal drops the oldest bodies, sent or not",
    fallback: '20GB',
  }),
  POSTAL_MESSAGE_RETENTION_DAYS: variable(count(1, 3650), {
    section,
    readBy,
    means: 'Days that Postal keeps what it knows of a message',
    fallback: '60',
  }),
  POSTAL_SEND_LIMIT: variable(count(1), {
    section,
    readBy,
    means: 'Recipients an hour that Postal sends to; it holds the rest, which never goes on by itself',
    optional: true,
  }),
  POSTAL_WEB_THREADS: variable(count(1, 100), {
    section,
    readBy,
    means:
      "Requests that Postal's web server answers at once; no fewer than POSTAL_CONCURRENCY of all workers together",
    fallback: '8',
  }),
  POSTAL_WORKER_THREADS: variable(count(1, 100), {
    section,
    readBy,
    means: 'Messages and webhooks that a worker of Postal has under way at once',
    fallback: '4',
  }),
  POSTAL_TRUSTED_PROXIES: variable(networks, {
    section,
    readBy,
    means: 'Networks (CIDR) whose X-Forwarded-For Postal believes: those of nginx',
    fallback: '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16',
  }),
  POSTAL_SMTP_RELAYS: variable(list, {
    section,
    readBy,
    means:
      "Hosts that take all outgoing mail, as smtp://NAME:PORT?ssl_mode=Auto; names in DNS, as Postal takes no addresses; without them the recipient's MX",
    fallback: '',
  }),
  POSTAL_DELIVERY_ATTEMPTS: variable(count(1, 100), {
    section,
    readBy,
    means: 'Attempts of Postal before a temporary failure becomes a permanent one; 18 take 31 hours',
    fallback: '18',
  }),
  POSTAL_LOCK_STALE_DAYS: variable(count(1, 365), {
    section,
    readBy,
    means: 'Days after which Postal destroys queued mail that a dead worker locked',
    fallback: '7',
  }),
  POSTAL_SMTP_TLS: variable(flag, {
    section,
    readBy,
    means: "Whether Postal's SMTP server offers STARTTLS",
    fallback: 'true',
  }),
  POSTAL_SMTP_CERT_PATH: variable(path, {
    section,
    readBy,
    means: 'Its certificate, as the container sees it; without it that of POSTAL_HOSTNAME below /tls',
    optional: true,
  }),
  POSTAL_SMTP_KEY_PATH: variable(path, {
    section,
    readBy,
    means: 'The key of that certificate, as the container sees it',
    optional: true,
  }),
  POSTAL_SMTP_MAX_MESSAGE_BYTES: variable(size, {
    section,
    readBy,
    means:
      "Largest message that Postal's SMTP server takes, in whole MB; its HTTP interface has no such limit",
    fallback: '25MB',
  }),
  POSTAL_RESOLV_CONF: variable(path, {
    section,
    readBy,
    means: 'The resolv.conf that Postal asks the DNS with, as the container sees it',
    fallback: '/etc/resolv.conf',
  }),
  POSTAL_APP_SMTP_ADDRESS: variable(listen, {
    section,
    readBy,
    means:
      "Where Postal's own mail (password resets) goes, HOST:PORT; it logs in with POSTAL_SMTP_CREDENTIAL",
    fallback: 'postal-smtp:25',
  }),
  POSTAL_SMTP_CREDENTIAL: variable(secret, {
    section,
    readBy,
    means: "SMTP credential of Postal's mail server; written by mailctl postal apply",
    secret: true,
    optional: true,
    rotates: true,
  }),
  MARIADB_POSTAL_HOST: variable(text, {
    section,
    readBy,
    means: "The MariaDB, as Postal's processes reach it",
    fallback: 'mariadb',
  }),
  MARIADB_POSTAL_PORT: variable(count(1, 65_535), {
    section,
    readBy,
    means: 'Port of that MariaDB',
    fallback: '3306',
  }),
  MARIADB_POSTAL_USER: variable(text, {
    section,
    readBy,
    means: 'The user that Postal itself writes with; it makes and drops the databases of mail servers',
    fallback: 'postal',
    alsoFile: true,
    rotates: true,
  }),
  MARIADB_POSTAL_PASSWORD: variable(secret, {
    section,
    readBy,
    means: 'Password of that user',
    secret: true,
    generated: true,
    optional: true,
  }),
  MARIADB_MAX_ALLOWED_PACKET: variable(size, {
    section,
    readBy,
    means: 'Longest statement that MariaDB takes: well above the largest message',
    fallback: '256MB',
  }),
  MARIADB_LOG_FILE_SIZE: variable(size, {
    section,
    readBy,
    means: "MariaDB's redo log: ten times the largest message at least",
    fallback: '512MB',
  }),
  MARIADB_BUFFER_POOL: variable(size, {
    section,
    readBy,
    means: 'Memory in which MariaDB keeps pages; most of what its container may use',
    fallback: '512MB',
  }),
  MARIADB_MAX_CONNECTIONS: variable(count(10, 10_000), {
    section,
    readBy,
    means: 'Connections that MariaDB takes at once',
    fallback: '200',
  }),
};

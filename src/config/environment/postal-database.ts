import { count, duration, path, secret, text, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = "Postal's database";
const readBy = ['worker', 'operator'] as const;

/** Where Postal keeps its truth; asked when a hand-over ended without a clear answer. */
export const postalDatabase = {
  POSTAL_DB_HOST: variable(text, {
    section,
    readBy,
    means:
      'The MariaDB that Postal writes to (never a replica): host, or path of its socket; without it POSTAL_UNCERTAIN_POLICY decides',
    optional: true,
  }),
  POSTAL_DB_PORT: variable(count(1, 65_535), {
    section,
    readBy,
    means: 'Port of that MariaDB',
    fallback: '3306',
  }),
  POSTAL_DB_USER: variable(text, {
    section,
    readBy,
    means: 'A user that may select, and nothing else',
    optional: true,
    alsoFile: true,
    rotates: true,
  }),
  POSTAL_DB_PASSWORD: variable(secret, {
    section,
    readBy,
    means: 'Password of that user',
    secret: true,
    generated: true,
    optional: true,
    rotates: true,
  }),
  POSTAL_DB_NAME: variable(text, {
    section,
    readBy,
    means: "Postal's main_db.database",
    fallback: 'postal',
  }),
  POSTAL_DB_MESSAGE_PREFIX: variable(text, {
    section,
    readBy,
    means: "Postal's message_db.database_name_prefix; the API key tells which mail server's database it is",
    fallback: 'postal',
  }),
  POSTAL_DB_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one look-up may take; then it is made again later',
    fallback: '10s',
  }),
  POSTAL_DOMAINS_INTERVAL: variable(wait, {
    section,
    readBy: ['worker', 'api', 'relay'],
    means:
      'Time between two looks at the domains verified in Postal; a message from another one has them looked at at once',
    fallback: '10s',
  }),
  POSTAL_DOMAINS_WAIT: variable(wait, {
    section,
    readBy: ['api'],
    means: 'How long such a message waits for that look; less than API_INTERNAL_TIMEOUT',
    fallback: '3s',
  }),
  POSTAL_DOMAINS_STALE_TTL: variable(duration, {
    section,
    readBy: ['api', 'relay', 'operator'],
    means:
      'How long the last look holds where there is no newer one: a domain it does not name is put off (451, 503); after it no sender is checked',
    fallback: '1h',
  }),
  POSTAL_RUN_DIR: variable(path, {
    section,
    readBy: ['operator'],
    means:
      'Where workers of Postal write down when they began, for commands inside the stack; on its host the engine says it',
    optional: true,
  }),
  POSTAL_RESCUE_TIMEOUT: variable(wait, {
    section,
    readBy: ['operator'],
    means: 'How long freeing what a dead worker of Postal locked may take; the rest is left for the next run',
    fallback: '5m',
  }),
  POSTAL_RETENTION_AHEAD: variable(duration, {
    section,
    readBy: ['operator'],
    means:
      'How far ahead mailctl postal retention looks for queued mail that loses its body; as long as the attempts of Postal take',
    fallback: '2d',
  }),
  POSTAL_RECONCILE_INTERVAL: variable(wait, {
    section,
    readBy: ['worker'],
    means: 'Time between two comparisons with these databases, which find the events that no webhook told',
    fallback: '15m',
  }),
  POSTAL_RECONCILE_AFTER: variable(duration, {
    section,
    readBy,
    means: 'Age at which an event is missing for good; Postal gives its webhook up after 36 minutes',
    fallback: '45m',
  }),
  POSTAL_RECONCILE_WINDOW: variable(duration, {
    section,
    readBy,
    means: 'How far back the first comparison looks, and the longest way back of any',
    fallback: '10d',
  }),
  POSTAL_RECONCILE_BATCH: variable(count(1, 5000), {
    section,
    readBy,
    means: 'Rows that one query of a comparison reads',
    fallback: '500',
  }),
};

import { count, duration, secret, text } from '../shapes.ts';
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
  POSTAL_DB_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'How long one look-up may take; then it is made again later',
    fallback: '10s',
  }),
};

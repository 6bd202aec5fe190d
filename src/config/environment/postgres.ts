import { count, path, secret, text, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'PostgreSQL';
const readBy = ['api', 'worker', 'operator'] as const;

/** The database that the api owns. */
export const postgres = {
  POSTGRES_HOST: variable(path, {
    section,
    readBy,
    means: 'Host name, address, or folder of a unix socket',
    fallback: '127.0.0.1',
  }),
  POSTGRES_PORT: variable(count(1, 65_535), {
    section,
    readBy,
    means: 'Port of PostgreSQL',
    fallback: '5432',
  }),
  POSTGRES_DATABASE: variable(text, { section, readBy, means: 'Database name', fallback: 'mailctl' }),
  POSTGRES_USER: variable(text, {
    section,
    readBy,
    means: 'Role that owns the database, or that may become it',
    fallback: 'mailctl',
    alsoFile: true,
    rotates: true,
  }),
  POSTGRES_PASSWORD: variable(secret, {
    section,
    readBy,
    means: 'Password of that role',
    secret: true,
    generated: true,
    rotates: true,
  }),
  POSTGRES_POOL_SIZE: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Connections one process opens at most',
    fallback: '10',
  }),
  POSTGRES_CONNECT_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a new connection may take',
    fallback: '5s',
  }),
  POSTGRES_STATEMENT_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one statement may run',
    fallback: '30s',
  }),
  POSTGRES_ANSWER_TIMEOUT: variable(wait, {
    section,
    readBy,
    means:
      'How much longer than POSTGRES_STATEMENT_TIMEOUT an answer is waited for, before the connection is given up as cut off',
    fallback: '10s',
  }),
  POSTGRES_KEEPALIVE: variable(wait, {
    section,
    readBy,
    means:
      'How long a connection is silent before TCP probes, from both ends, whether the other is still there',
    fallback: '30s',
  }),
  POSTGRES_IDLE_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a connection that nothing uses is kept: opening one amid a burst takes long',
    fallback: '10m',
  }),
  POSTGRES_MIGRATE_TIMEOUT: variable(wait, {
    section,
    readBy: ['api', 'operator'],
    means: 'How long to wait for another process that is migrating',
    fallback: '5m',
  }),
};

import { count, duration, path, size, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Relay (journal)';
const readBy = ['relay'] as const;

/** What the relay keeps on its own disk, and how it hands it to the api. */
export const relayJournal = {
  RELAY_JOURNAL_DIR: variable(path, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Where accepted messages are kept, on a disk of its own; one relay a directory',
    fallback: '/var/lib/mailctl/journal',
  }),
  RELAY_JOURNAL_MAX_BYTES: variable(size, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Messages the api has not yet; beyond it the relay answers 452 4.3.1',
    fallback: '10GB',
  }),
  RELAY_JOURNAL_MIN_FREE: variable(size, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Free space on the disk below which the relay answers 452 4.3.1',
    fallback: '512MB',
  }),
  RELAY_JOURNAL_SEGMENT_BYTES: variable(size, {
    section,
    readBy,
    means: 'Size after which a new file is begun, and the largest group written at once',
    fallback: '64MB',
  }),
  RELAY_JOURNAL_KEEP: variable(duration, {
    section,
    readBy: ['relay', 'operator'],
    means: 'How long messages are kept after the api has them, to be sent to it again after a restore',
    fallback: '1d',
  }),
  RELAY_JOURNAL_KEEP_BYTES: variable(size, {
    section,
    readBy: ['relay', 'operator'],
    means: 'Most that is kept of what the api has',
    fallback: '5GB',
  }),
  RELAY_JOURNAL_UPKEEP_INTERVAL: variable(wait, {
    section,
    readBy: ['relay', 'operator'],
    means: 'How often free space is measured, old files are removed and requeued messages are taken in',
    fallback: '5s',
  }),
  RELAY_JOURNAL_OWNER_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Silence after which a relay on another machine no longer owns the directory',
    fallback: '30s',
  }),
  RELAY_TRACE_BYTES: variable(size, {
    section,
    readBy: ['operator'],
    means: 'How much of what the api has not yet mailctl trace looks through, the newest first',
    fallback: '1GB',
  }),
  RELAY_SHIP_RECORDS: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Messages handed to the api in one request',
    fallback: '256',
  }),
  RELAY_SHIP_BYTES: variable(size, {
    section,
    readBy,
    means: 'Size of such a request; a larger message goes alone',
    fallback: '2MB',
  }),
  RELAY_SHIP_CONCURRENCY: variable(count(1, 8), {
    section,
    readBy,
    means: 'Such requests under way at once',
    fallback: '2',
  }),
  RELAY_SHIP_GATHER: variable(duration, {
    section,
    readBy,
    means: 'How long a request that is not full gathers more after the one before it; 0s sends at once',
    fallback: '50ms',
  }),
  RELAY_SHIP_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long the api may take to answer one',
    fallback: '30s',
  }),
  RELAY_SHIP_PROBE_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'The same for the one request that finds out whether the api is back',
    fallback: '10s',
  }),
  RELAY_SHIP_FAILURES: variable(count(1, 100), {
    section,
    readBy,
    means: 'Failures in a row after which the relay leaves the api in peace',
    fallback: '5',
  }),
  RELAY_SHIP_RETRY_DELAY: variable(wait, {
    section,
    readBy,
    means: 'Longest pause after a failure before that',
    fallback: '500ms',
  }),
  RELAY_SHIP_OPEN_TIME: variable(wait, {
    section,
    readBy,
    means: 'How long it leaves the api in peace the first time; doubled each time it is not back',
    fallback: '1s',
  }),
  RELAY_SHIP_OPEN_MAX: variable(wait, { section, readBy, means: 'Longest such time', fallback: '30s' }),
  RELAY_SHIP_REFUSED_DELAY: variable(wait, {
    section,
    readBy,
    means: 'Pause after the api refused the relay itself (401, 403, 429)',
    fallback: '10s',
  }),
};

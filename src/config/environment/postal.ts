import { count, domainName, duration, oneOf, secret, size, text, wait, webUrl } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Postal';
const readBy = ['worker'] as const;

/** The Postal installation that delivers. */
export const postal = {
  POSTAL_URL: variable(webUrl, {
    section,
    readBy: ['worker', 'api', 'operator'],
    means: "Where Postal's web server is reached",
    fallback: 'http://127.0.0.1:5000',
  }),
  POSTAL_HOSTNAME: variable(domainName, {
    section,
    readBy: ['worker', 'api', 'operator'],
    means: "Postal's web_hostname; it answers no other Host",
    generated: true,
  }),
  POSTAL_API_KEY: variable(secret, {
    section,
    readBy: ['worker', 'operator'],
    means:
      "API credential of Postal's mail server (24 letters and digits, made by Postal); written by mailctl postal apply",
    secret: true,
    rotates: true,
    optional: true,
  }),
  POSTAL_RUNNER: variable(text, {
    section,
    readBy: ['operator'],
    means:
      "How Postal's own program is reached, words separated by spaces, run in the operator's folder: a `rails runner -` that reads a script",
    fallback: 'docker compose exec -T postal-web bundle exec rails runner -',
  }),
  POSTAL_RESTART: variable(text, {
    section,
    readBy: ['operator'],
    means:
      "How Postal's processes are started anew, words separated by spaces, run in the operator's folder: they read key and configuration at the start alone. With `{process}` it is run for web, smtp and worker, one after the other",
    fallback: 'docker compose up --detach --no-deps --force-recreate --wait postal-{process}',
  }),
  POSTAL_RUNNER_TIMEOUT: variable(wait, {
    section,
    readBy: ['operator'],
    means:
      'How long one question to it may take, for which it starts anew each time, and one start of a process',
    fallback: '2m',
  }),
  POSTAL_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'Longest time a hand-over to Postal may take',
    fallback: '60s',
  }),
  POSTAL_CONCURRENCY: variable(count(1, 100), {
    section,
    readBy: ['worker', 'operator'],
    means:
      "Requests to Postal at once of one worker; of all workers at most POSTAL_WEB_THREADS, and fewer so that Postal's pages answer too",
    fallback: '6',
  }),
  POSTAL_RECIPIENTS_PER_CALL: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Recipients of one hand-over',
    fallback: '50',
  }),
  POSTAL_CONNECT_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long connecting to Postal may take',
    fallback: '5s',
  }),
  POSTAL_MAX_ANSWER_BYTES: variable(size, {
    section,
    readBy,
    means: 'Longest answer of Postal that is read',
    fallback: '4MB',
  }),
  POSTAL_SETTLE_TIME: variable(duration, {
    section,
    readBy,
    means: 'How long Postal may go on with a request whose end was unclear; nothing is decided before',
    fallback: '2m',
  }),
  POSTAL_TIDY_AFTER: variable(duration, {
    section,
    readBy,
    means:
      'Age at which Postal drops what a killed worker of its own left locked (postal.queued_message_lock_stale_days); an uncertain recipient whose copy is older and in no queue is held, not sent again',
    fallback: '1d',
  }),
  POSTAL_UNCERTAIN_POLICY: variable(oneOf(['hold', 'resend']), {
    section,
    readBy,
    means: 'What becomes of a recipient that Postal may have or not, where its database cannot be asked',
    fallback: 'hold',
  }),
  POSTAL_BREAKER_FAILURES: variable(count(1), {
    section,
    readBy,
    means: 'Unclear hand-overs in a row after which the queue waits',
    fallback: '5',
  }),
  POSTAL_BREAKER_OPEN: variable(wait, {
    section,
    readBy,
    means: 'How long the queue waits the first time, before one message tries; doubled while it fails',
    fallback: '2s',
  }),
  POSTAL_BREAKER_OPEN_MAX: variable(wait, {
    section,
    readBy,
    means: 'Longest wait of the queue between two tries',
    fallback: '1m',
  }),
  POSTAL_EVENT_FUTURE_MAX: variable(duration, {
    section,
    readBy,
    means: "How far in the future the time of one of Postal's events may lie before it is quarantined",
    fallback: '1d',
  }),
};

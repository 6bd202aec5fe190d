import { count, domainName, duration, secret, webUrl } from '../shapes.ts';
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
  TRACK_HOSTNAME: variable(domainName, {
    section,
    readBy: ['operator'],
    means: 'Host name in tracked links and pixels',
    generated: true,
  }),
  POSTAL_API_KEY: variable(secret, {
    section,
    readBy: ['worker', 'operator'],
    means: "API credential of Postal's mail server (24 letters and digits, made by Postal)",
    secret: true,
  }),
  POSTAL_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'Longest time a hand-over to Postal may take',
    fallback: '60s',
  }),
  POSTAL_CONCURRENCY: variable(count(1, 100), {
    section,
    readBy,
    means: "Hand-overs at once; no more than Postal's web threads",
    fallback: '4',
  }),
  POSTAL_RECIPIENTS_PER_CALL: variable(count(1, 1000), {
    section,
    readBy,
    means: 'Recipients of one hand-over',
    fallback: '50',
  }),
};

import { emailAddress, listen, path, wait, webUrl } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'End-to-end check';
const readBy = ['operator'] as const;

/** What `mailctl e2e` needs to know of the world around the platform. */
export const e2e = {
  E2E_SMTP_ADDRESS: variable(listen, {
    section,
    readBy,
    means:
      'Where the check reaches the relay; without it RELAY_HOSTNAME and the port of its submission listener',
    optional: true,
  }),
  E2E_SMTP_CA_FILE: variable(path, {
    section,
    readBy,
    means: "Certificate that vouches for the relay's and nginx's, where it is not a public one",
    optional: true,
  }),
  E2E_WEB_URL: variable(webUrl, {
    section,
    readBy,
    means:
      'Origin from which tracked links are fetched, with their own host as Host; without it that host itself',
    optional: true,
  }),
  E2E_RECIPIENT: variable(emailAddress, {
    section,
    readBy,
    means: 'Address the check sends to; the flag --to goes before',
    optional: true,
  }),
  E2E_MAILBOX_URL: variable(webUrl, {
    section,
    readBy,
    means:
      "Where that address's mail can be read, as the stand-in serves it; without it arrival is taken from events",
    optional: true,
  }),
  E2E_WEBHOOK_LISTEN: variable(listen, {
    section,
    readBy,
    means: "Where the check waits for the platform's webhooks",
    fallback: '127.0.0.1:0',
  }),
  E2E_WEBHOOK_URL: variable(webUrl, {
    section,
    readBy,
    means: 'How the worker reaches that listener; without it the listener itself',
    optional: true,
  }),
  E2E_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long each hop may take before it counts as broken',
    fallback: '30s',
  }),
  E2E_POLL_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often a hop is looked at while the check waits for it',
    fallback: '50ms',
  }),
};

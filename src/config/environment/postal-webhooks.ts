import { count, duration, secret, size, text, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'API';
const readBy = ['api'] as const;

/** How the api knows Postal's webhooks, and how it stores them. */
export const postalWebhooks = {
  POSTAL_WEBHOOK_TOKEN: variable(secret, {
    section,
    readBy: ['api', 'operator'],
    means: "Secret last part of the path that Postal's webhooks are sent to",
    secret: true,
    generated: true,
    rotates: true,
  }),
  POSTAL_WEBHOOK_TOKEN_ALSO: variable(secret, {
    section,
    readBy: ['api', 'operator'],
    means:
      'Another value that is believed there: the next or the last one, while POSTAL_WEBHOOK_TOKEN rotates',
    secret: true,
    optional: true,
    rotates: true,
  }),
  POSTAL_WEBHOOK_TOKEN_OVERLAP: variable(duration, {
    section,
    readBy: ['operator'],
    means: 'How long the last value is believed there at least: webhooks that wait at Postal keep their URL',
    fallback: '1d',
  }),
  POSTAL_WEBHOOK_MAX_BYTES: variable(size, {
    section,
    readBy: ['api', 'operator'],
    means: 'Largest body of a webhook from Postal',
    fallback: '1MB',
  }),
  POSTAL_WEBHOOK_BATCH: variable(count(1), {
    section,
    readBy,
    means: "Postal's webhooks stored by one statement",
    fallback: '200',
  }),
  POSTAL_WEBHOOK_INTERVAL: variable(wait, {
    section,
    readBy,
    means:
      'Shortest time between two such statements; what comes meanwhile is stored by the next, and answered then',
    fallback: '5ms',
  }),
  POSTAL_KEY_OVERLAP: variable(duration, {
    section,
    readBy: ['api', 'operator'],
    means: "How long a signing key that left Postal's JWKS is still believed; no rotation of it takes less",
    fallback: '24h',
  }),
  POSTAL_KEY_REFETCH: variable(duration, {
    section,
    readBy,
    means: "Least time between two looks at Postal's JWKS while a key is known, also after one that failed",
    fallback: '1m',
  }),
  POSTAL_JWKS_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: "How long a webhook waits for Postal's JWKS: less than the 5 s that Postal waits for the webhook",
    fallback: '4s',
  }),
  POSTAL_JWKS_RETRY: variable(wait, {
    section,
    readBy,
    means: "Wait before Postal's JWKS is asked for again within that time",
    fallback: '250ms',
  }),
  POSTAL_WEBHOOK_PUBLIC_KEY: variable(text, {
    section,
    readBy,
    means:
      "Postal's public signing key, PEM, on one line with \\n, or several of them; without it the JWKS is asked",
    optional: true,
    alsoFile: true,
    rotates: true,
  }),
  POSTAL_WEBHOOK_PUBLIC_KEY_ALSO: variable(text, {
    section,
    readBy,
    means:
      'Further keys of Postal that are believed while its signing key rotates (SPKI DER in base64url, separated by commas); written by mailctl keys rotate',
    optional: true,
    alsoFile: true,
    rotates: true,
  }),
};

import { duration, list, secret, size } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Bounces and complaints';
const readBy = ['worker'] as const;

/** What keeps mail from addresses without anybody's doing. */
export const suppression = {
  SUPPRESSION_BOUNCE_EXPIRY: variable(duration, {
    section,
    readBy: ['worker', 'operator'],
    means: 'How long an address gets no mail after it failed for good; without it until it is removed',
    optional: true,
  }),
  BOUNCE_REPORT_HOLD: variable(duration, {
    section,
    readBy: ['worker', 'operator'],
    means: 'How long AMS is not told of a bounce while its report is read at Postal',
    fallback: '1m',
  }),
  BOUNCE_REPORT_GIVE_UP: variable(duration, {
    section,
    readBy,
    means: 'How long the report of a bounce is asked for before the bounce stays without a class',
    fallback: '1d',
  }),
  INBOUND_COMPLAINTS: variable(list, {
    section,
    readBy,
    means: 'Local parts whose mail, brought by a route of Postal, is read as complaints (ARF)',
    fallback: 'complaints,abuse,fbl',
  }),
  INBOUND_PROBES: variable(list, {
    section,
    readBy,
    means: 'Local parts whose mail, brought by a route of Postal, is kept as probes of e2e',
    fallback: 'e2e-probe',
  }),
  INBOUND_MAX_BYTES: variable(size, {
    section,
    readBy: ['api'],
    means: 'Largest request with mail from a route of Postal',
    fallback: '40MB',
  }),
  UNSUBSCRIBE_KEY: variable(secret, {
    section,
    readBy: ['api', 'worker'],
    means: 'Seals the one-click links of messages; links made with another key end nothing',
    secret: true,
    generated: true,
    rotates: true,
  }),
  UNSUBSCRIBE_PREVIOUS_KEY: variable(secret, {
    section,
    readBy: ['api'],
    means: 'The UNSUBSCRIBE_KEY before: keep it for as long as mail with its links is read',
    secret: true,
    optional: true,
    rotates: true,
  }),
  UNSUBSCRIBE_MAX_BYTES: variable(size, {
    section,
    readBy: ['api'],
    means: 'Largest request with which a link is used',
    fallback: '16KB',
  }),
  RETENTION_INBOUND: variable(duration, {
    section,
    readBy,
    means: 'How long mail from routes of Postal is kept once it is worked out',
    fallback: '14d',
  }),
};

import { redisUrl, secret, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Redis (shared counters)';
const readBy = ['relay', 'api', 'operator'] as const;

/** The cache that several processes count in together. Losing it loses no mail and opens no door. */
export const redis = {
  REDIS_URL: variable(redisUrl, {
    section,
    readBy,
    means: 'Where Redis is; without it each process counts for itself',
    optional: true,
  }),
  REDIS_PASSWORD: variable(secret, {
    section,
    readBy,
    means: 'Its password',
    secret: true,
    rotates: true,
    optional: true,
    generated: true,
  }),
  REDIS_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long Redis may take; then a process counts for itself',
    fallback: '250ms',
  }),
  REDIS_RETRY_DELAY: variable(wait, {
    section,
    readBy,
    means: 'How often a Redis that is away is tried again',
    fallback: '1s',
  }),
};

import type { KeyKind } from '../../domain/key.ts';
import type { KindOfKey } from './kind.ts';
import { apiKind } from './kinds/api.ts';
import { postgresKind } from './kinds/postgres.ts';
import { redisKind } from './kinds/redis.ts';
import { relayKind } from './kinds/relay.ts';
import { smtpKind } from './kinds/smtp.ts';
import { webhookSecretKind } from './kinds/webhook-secret.ts';

/** How each kind of key is made, spread, watched and ended. */
export const kinds: Readonly<Record<KeyKind, KindOfKey>> = {
  api: apiKind,
  smtp: smtpKind,
  'webhook-secret': webhookSecretKind,
  relay: relayKind,
  postgres: postgresKind,
  redis: redisKind,
};

import type { KeyKind } from '../../domain/key.ts';
import type { KindOfKey } from './kind.ts';
import { apiKind } from './kinds/api.ts';
import { backupRecipientKind } from './kinds/backup-recipient.ts';
import { mariadbKind } from './kinds/mariadb.ts';
import { mariadbBackupKind } from './kinds/mariadb-backup.ts';
import { mariadbPostalKind } from './kinds/mariadb-postal.ts';
import { mariadbRootKind } from './kinds/mariadb-root.ts';
import { postalApiKind } from './kinds/postal-api.ts';
import { postalSigningKind } from './kinds/postal-signing.ts';
import { postalSmtpKind } from './kinds/postal-smtp.ts';
import { postalWebhookTokenKind } from './kinds/postal-webhook-token.ts';
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
  mariadb: mariadbKind,
  'mariadb-postal': mariadbPostalKind,
  'mariadb-backup': mariadbBackupKind,
  'mariadb-root': mariadbRootKind,
  'postal-api': postalApiKind,
  'postal-smtp': postalSmtpKind,
  'postal-webhook-token': postalWebhookTokenKind,
  'postal-signing': postalSigningKind,
  'backup-recipient': backupRecipientKind,
};

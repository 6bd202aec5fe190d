import { join } from 'node:path';

import { type Credentials, openCredentials } from './credentials.ts';
import { checkLoginByApi } from './login-api.ts';
import { openKeptFile } from './kept-file.ts';
import { openRememberedLogins } from './remembered-logins.ts';
import type { RelayConfig, RelayWorld } from './room.ts';

/** Verified logins outlive a restart, so that known clients are served while the api is away. `release` gets what to wait for. */
export async function recallCredentials(
  config: RelayConfig,
  world: RelayWorld,
  release: (() => Promise<unknown>)[],
): Promise<Credentials> {
  const file = await openKeptFile(world.disk, join(config.RELAY_JOURNAL_DIR, 'logins.json'), world.log);
  release.push(file.close);
  const secret = config.API_INTERNAL_TOKEN;
  const memory = { ...world, secret, maxUsers: config.SMTP_AUTH_CACHE_USERS };
  const remembered = openRememberedLogins(memory, file.text);
  return openCredentials({
    clock: world.clock,
    remembered,
    ttlMs: config.SMTP_AUTH_CACHE_TTL,
    staleMs: config.SMTP_AUTH_STALE_TTL,
    retryMs: config.SMTP_AUTH_RETRY_DELAY,
    changed: () => file.save(remembered.asText),
    check: checkLoginByApi({
      ...world,
      url: config.API_INTERNAL_URL,
      token: () => config.API_INTERNAL_TOKEN,
      timeoutMs: config.API_INTERNAL_TIMEOUT,
    }),
  });
}

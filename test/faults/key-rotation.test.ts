import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { readApiKey } from '../../src/domain/api-key.ts';
import type { KeyKind } from '../../src/domain/key.ts';
import { Secret } from '../../src/domain/secret.ts';
import { openRuntime } from '../../src/runtime.ts';
import { checkPassword } from '../../src/services/api/smtp-auth.ts';
import { findApiKey } from '../../src/store/api-keys.ts';
import { livingKeys } from '../../src/store/keys.ts';
import { goodSecret } from '../config/valid-sources.ts';
import { privateRedis } from '../engines/private-redis.ts';
import {
  logsIn,
  type Platform,
  platform,
  redisPassword,
  rotate,
  uid,
} from '../integration/cli/rotating-platform.ts';

let redis: Awaited<ReturnType<typeof privateRedis>>;
beforeAll(async () => {
  redis = await privateRedis(redisPassword);
});
afterAll(async () => redis[Symbol.asyncDispose]());

/** What is right after a whole rotation, and that the old secret is dead. */
const proofs: Readonly<Record<KeyKind, (on: Platform) => Promise<void>>> = {
  api: async ({ db, old }) => {
    const presented = readApiKey(old.api.reveal());
    if (presented.kind !== 'key') throw new Error('no key');
    expect((await findApiKey(db, presented.id))?.revokedAt).toBeInstanceOf(Date);
  },
  smtp: async ({ db, old }) => {
    const world = { db, clock: systemClock, config: { DAILY_LIMIT: undefined } };
    expect(await checkPassword(world, 'ams', old.smtp ?? new Secret(''))).toEqual({ outcome: 'refused' });
  },
  'webhook-secret': async ({ db }) => {
    const rows = await db.query('select 1 from webhook_endpoints where sealed_previous_secret is not null');
    expect(rows).toEqual([]);
  },
  relay: async ({ env }) => {
    const values = await env();
    expect(values.get('API_INTERNAL_TOKEN')?.text).not.toBe(goodSecret);
    expect(values.get('API_INTERNAL_TOKEN_ALSO')?.text).toBe('');
  },
  postgres: async ({ env, address, owner, db }) => {
    const values = await env();
    const user = values.get('POSTGRES_USER')?.text ?? '';
    const password = new Secret(values.get('POSTGRES_PASSWORD')?.text ?? '');
    expect(user).toBe(`${owner}_a`);
    expect(await logsIn({ ...address, user, password })).toBe(true);
    const [row] = await db.query('select rolpassword as password from pg_authid where rolname = $1', [owner]);
    expect(row).toEqual({ password: null });
  },
  redis: async ({ folder }) => {
    await using runtime = openRuntime({ dir: folder.path, environment: {}, uid });
    const client = await runtime.redis();
    expect(await client?.call('PING')).toBe('PONG');
    expect(await client?.renew(new Secret(redisPassword))).toBe(false);
    await client?.call('ACL', 'SETUSER', 'default', `>${redisPassword}`);
  },
};

describe.each(Object.keys(proofs) as KeyKind[])('the rotation of %s', (kind) => {
  it('ends the same, wherever mailctl was killed and run again, and the old secret is dead', async () => {
    let left = 1;
    for (let most = 0; most < left; most += 1) {
      await using on = await platform(redis.url);
      left = (await rotate(on, { kind }, most)).steps.length;
      await rotate(on, { kind });
      expect(await states(on, kind)).toEqual(['retiring', 'active']);
      const waits = await rotate(on, { isContinuing: true });
      expect(waits).toMatchObject({ steps: [], result: { keys: [{ kind, state: 'waiting' }] } });
      await rotate(on, { isContinuing: true, isForced: true }, 1);
      await rotate(on, { isContinuing: true, isForced: true });

      expect(await states(on, kind)).toEqual(['active']);
      expect(await readdir(join(on.folder.path, 'secrets/rotation'))).toEqual([]);
      expect(await readdir(on.folder.path)).not.toContain('.env.before-rotation');
      await proofs[kind](on);
    }
  }, 240_000);
});

async function states({ db }: Platform, kind: KeyKind): Promise<readonly string[]> {
  return (await livingKeys(db)).filter((key) => key.kind === kind).map(({ state }) => state);
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { planRotation } from '../../../src/operations/keys/rotate.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { livingKeys } from '../../../src/store/keys.ts';
import { recordHolder, recordSecretUse } from '../../../src/store/secret-uses.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { privateRedis } from '../../engines/private-redis.ts';
import { runJson } from './database-folder.ts';
import { nothing, platform, redisPassword, rotate, uid } from './rotating-platform.ts';

let redis: Awaited<ReturnType<typeof privateRedis>>;
beforeAll(async () => {
  redis = await privateRedis(redisPassword);
});
afterAll(async () => redis[Symbol.asyncDispose]());

describe('mailctl keys rotate', () => {
  it('shows a new key once, keeps the old one valid, and goes on by itself when the overlap is over', async () => {
    await using on = await platform(redis.url);
    const rotated = await runJson(on.folder, 'keys', 'rotate', 'shop', '--overlap', '1ms');
    const again = await runJson(on.folder, 'keys', 'rotate', '--continue');

    expect(rotated).toMatchObject({ exit: 0, data: { keys: [{ kind: 'api', state: 'replaced' }] } });
    expect(rotated.data.secret).toMatch(/^mk_/);
    expect(again.data.keys).toMatchObject([{ name: 'shop', state: 'retired' }]);
    const { data } = await runJson(on.folder, 'keys', 'list', '--kind', 'api');
    expect(data.keys).toMatchObject([{ state: 'active' }, { state: 'revoked' }]);
  });

  it('does not retire an old secret that was used since it was replaced', async () => {
    await using on = await platform(redis.url);
    await rotate(on, { kind: 'relay', overlapMs: 1 });
    const old = (await livingKeys(on.db)).find(({ state }) => state === 'retiring');
    await recordSecretUse(on.db, new Map([[old?.handle ?? '', new Date(Date.now() + 3_600_000)]]));

    expect(await rotate(on, { isContinuing: true })).toMatchObject({
      steps: [],
      result: { keys: [{ state: 'waiting', why: 'it was used since it was replaced' }] },
    });
  });

  it('does not use a new secret before every api accepts it, and says which does not', async () => {
    await using on = await platform(redis.url);
    await recordHolder(on.db, 'api host 7', new Map([['API_INTERNAL_TOKEN', 'of before']]));
    const order = { kind: 'relay', overlapMs: 1 } as const;
    await using runtime = openRuntime({
      dir: on.folder.path,
      environment: { KEYS_SWITCH_TIMEOUT: '10ms' },
      uid,
    });
    const plan = await planRotation(runtime, { ...nothing, ...order });
    const run = async () => {
      for (const step of plan.steps) await step.run(runtime);
    };

    await expect(run()).rejects.toThrow('these do not have the new secret yet: api host 7');
    expect((await on.env()).get('API_INTERNAL_TOKEN')?.text).toBe(goodSecret);
  });

  it('refuses a secret that the environment gives, and keeps the .env of before', async () => {
    await using on = await platform(redis.url);
    const before = await readFile(join(on.folder.path, '.env'), 'utf8');
    await using runtime = openRuntime({
      dir: on.folder.path,
      environment: { API_INTERNAL_TOKEN: goodSecret },
      uid,
    });
    const plan = await planRotation(runtime, { ...nothing, kind: 'relay' });
    await plan.steps[0]?.run(runtime);
    await plan.steps[1]?.run(runtime);

    await expect(plan.steps[3]?.run(runtime)).rejects.toMatchObject({
      code: 'refused',
      field: 'API_INTERNAL_TOKEN',
    });
    expect(await readFile(join(on.folder.path, '.env.before-rotation'), 'utf8')).toBe(before);
  });

  it('warns of keys that end soon, and ends with 3', async () => {
    await using on = await platform(redis.url);
    await runJson(on.folder, 'keys', 'create', '--name', 'short', '--expires', '5d');
    const { exit } = await runJson(on.folder, 'keys', 'list', '--publish');

    expect(exit).toBe(3);
    const figures = await readFile(join(on.folder.path, 'state/runs/keys.figures.json'), 'utf8');
    expect(JSON.parse(figures).figures).toContainEqual(
      expect.objectContaining({ labels: { kind: 'api', within: '7d' }, value: 1 }),
    );
  });

  it('asks which keys are meant, and knows none of another name', async () => {
    await using on = await platform(redis.url);

    expect(await runJson(on.folder, 'keys', 'rotate')).toMatchObject({ exit: 2, error: { field: 'name' } });
    expect(await runJson(on.folder, 'keys', 'rotate', 'nobody')).toMatchObject({ exit: 2 });
    const { data } = await runJson(on.folder, 'keys', 'rotate', '--all', '--dry-run');
    expect(data.plan.steps.filter((step: { do: string }) => step.do === 'use-key')).toHaveLength(7);
  });

  it('brings a secret to the services again when it was killed before it had', async () => {
    await using on = await platform(redis.url);
    const spread: string[] = [];
    const order = { kind: 'relay', spread: async () => void spread.push('spread') } as const;
    await rotate(on, order, 4);
    spread.length = 0;
    await rotate(on, order);

    expect(spread).toEqual(['spread', 'spread']);
  });
});

import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Secret } from '../../../src/domain/secret.ts';
import { planRotation } from '../../../src/operations/keys/rotate.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { livingKeys } from '../../../src/store/keys.ts';
import { recordHolder } from '../../../src/store/secret-uses.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { type PrivateRedis, privateRedis } from '../../engines/private-redis.ts';
import { runJson } from '../../integration/cli/database-folder.ts';
import { runbook, shellIn } from '../runbooks.ts';
import {
  nothing,
  type Platform,
  platform,
  redisPassword,
  uid,
} from '../../integration/cli/rotating-platform.ts';

let redis: PrivateRedis;
let on: Platform;
beforeEach(async () => {
  redis = await privateRedis(redisPassword);
  on = await platform(redis.url);
  await mkdir(join(on.folder.path, 'state'));
});
afterEach(async () => {
  await on[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const rotate = (...words: readonly string[]) => runJson(on.folder, 'keys', 'rotate', ...words);
const end = () => rotate('--continue', '--force', '--yes');
const states = async () => (await livingKeys(on.db)).map(({ state }) => state);
const inFolder = (...names: readonly string[]) => join(on.folder.path, ...names);

describe('a rotation', () => {
  it('does not begin while another mailctl is at work in the folder', async () => {
    await using runtime = openRuntime({ dir: on.folder.path, environment: {}, uid });
    const lock = await runtime.lock({ who: 'ops', command: 'keys rotate' });
    const locked = await rotate('--kind', 'relay');
    await lock?.[Symbol.asyncDispose]();

    expect(locked).toMatchObject({ exit: 11, error: { code: 'locked' } });
    expect(await states()).toEqual([]);
    expect((await rotate('--kind', 'relay')).exit).toBe(0);
  });

  it('keeps the .env of before for its owner alone until everything has ended', async () => {
    const before = await readFile(inFolder('.env'), 'utf8');
    await rotate('--kind', 'relay');
    const kept = inFolder('.env.before-rotation');

    expect(await readFile(kept, 'utf8')).toBe(before);
    for (const path of [kept, inFolder('.env')]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    await end();
    await expect(stat(kept)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('changes nothing where the new secret cannot be kept', async () => {
    await mkdir(inFolder('secrets'));
    await writeFile(inFolder('secrets/rotation'), 'no folder');
    const failed = await rotate('--kind', 'relay');

    expect(failed).toMatchObject({ exit: 2, error: { message: expect.stringContaining('rotation') } });
    expect(await states()).toEqual([]);
    expect((await on.env()).get('API_INTERNAL_TOKEN')?.text).toBe(goodSecret);
  });

  it('leaves the old secret in use where .env cannot be written, and goes on when it can', async () => {
    await mkdir(inFolder('.env.before-rotation'));
    const failed = await rotate('--kind', 'relay');
    expect(failed.exit).not.toBe(0);
    expect((await on.env()).get('API_INTERNAL_TOKEN')?.text).toBe(goodSecret);
    expect(await states()).toContain('pending');

    await rm(inFolder('.env.before-rotation'), { recursive: true });
    await rotate('--kind', 'relay');
    await end();
    expect(await states()).toEqual(['active']);
    expect((await on.env()).get('API_INTERNAL_TOKEN')?.text).not.toBe(goodSecret);
  });

  it('waits for an api that lives, and not for one that went away half-way', async () => {
    await recordHolder(on.db, 'api host 7', new Map([['API_INTERNAL_TOKEN', 'of before']]));
    const waiting = await rotate('--kind', 'relay');
    expect(waiting).toMatchObject({ exit: 14, error: { code: 'timed-out' } });
    await on.db.change(`update secret_holders set at = now() - interval '1 hour'`);

    expect(await rotate('--kind', 'relay')).toMatchObject({
      exit: 0,
      data: { keys: [{ state: 'replaced' }] },
    });
  });

  it('of Redis ends well although Redis started anew and had forgotten the next password', async () => {
    await rotate('--kind', 'redis');
    await redis.stop();
    await redis.start();

    expect((await end()).data.keys).toMatchObject([{ kind: 'redis', state: 'retired' }]);
    await using runtime = openRuntime({ dir: on.folder.path, environment: {}, uid });
    const client = await runtime.redis();
    expect(await client?.call('PING')).toBe('PONG');
    expect(await client?.renew(new Secret(redisPassword))).toBe(false);
  });

  it('of what stands in .env waits where there is no .env, and others go on', async () => {
    await rotate('shop', '--overlap', '1ms');
    await rotate('--kind', 'relay', '--overlap', '1ms');
    const text = await readFile(inFolder('.env'), 'utf8');
    const environment = Object.fromEntries(
      text.split('\n').flatMap((line) => (line.includes('=') ? [line.split(/=(.*)/s).slice(0, 2)] : [])),
    ) as Record<string, string>;
    await rm(inFolder('.env'));
    await using runtime = openRuntime({ dir: on.folder.path, environment, uid });
    const plan = await planRotation(runtime, { ...nothing, isContinuing: true });
    for (const step of plan.steps) await step.run(runtime);

    expect(plan.result().keys).toMatchObject([
      { kind: 'api', state: 'retired' },
      { kind: 'relay', state: 'waiting', why: expect.stringContaining('in the folder that has it') },
    ]);
  });
});

describe('a key of any kind that has an end', () => {
  it('is warned of, chosen by it or by its age, and followed by one that is used as long', async () => {
    const five = 5 * 86_400_000;
    await rotate('--kind', 'relay', '--overlap', '1ms', '--expires', '5d');
    await end();
    const list = await runJson(on.folder, 'keys', 'list', '--kind', 'relay', '--publish');
    const [first] = list.data.keys;
    expect([list.exit, Math.round((Date.parse(first.expires_at) - Date.now()) / five)]).toEqual([3, 1]);
    const figures = await readFile(inFolder('state/runs/keys.figures.json'), 'utf8');
    expect(JSON.parse(figures).figures).toContainEqual(
      expect.objectContaining({ labels: { kind: 'relay', within: '7d' }, value: 1 }),
    );

    const chosen = await rotate('--expiring', '7d', '--overlap', '1ms');
    expect(chosen.data.keys).toMatchObject([{ kind: 'relay', state: 'replaced' }]);
    await end();
    const [next] = (await runJson(on.folder, 'keys', 'show', 'relay')).data.keys;
    expect(next.id).not.toBe(first.id);
    expect(Date.parse(next.expires_at) - Date.parse(next.created_at)).toBeGreaterThan(five - 60_000);
    expect((await rotate('--expiring', '1d')).data.keys).toEqual([]);

    const old = ['--kind', 'relay', '--older-than', '90d'];
    expect((await rotate(...old)).data.keys).toEqual([]);
    await on.db.change(`update keys set created_at = now() - interval '91 days' where kind = 'relay'`);
    expect((await rotate(...old)).data.keys).toMatchObject([{ kind: 'relay', state: 'replaced' }]);
  });
});

it('a key of the api that has ended is warned of, and replaced by the command that the warning names', async () => {
  await on.db.change(
    `update api_keys set created_at = now() - interval '11 days', expires_at = now() - interval '1 day'`,
  );
  const { exit, out } = await runInProcess(['-C', on.folder.path, 'keys', 'list', '--json']);
  const [, words = ''] = /mailctl (keys rotate \w+)/.exec(JSON.parse(out).warnings[0]) ?? [];
  expect([exit, words, out.includes('expired and is refused since')]).toEqual([3, 'keys rotate shop', true]);

  const { data } = await runJson(on.folder, ...words.split(' '));
  expect(data.keys).toMatchObject([{ kind: 'api', name: 'shop', state: 'replaced' }]);
  const [next] = (await runJson(on.folder, 'keys', 'list', '--kind', 'api')).data.keys;
  expect(Math.round((Date.parse(next.expires_at) - Date.now()) / 86_400_000)).toBe(10);
  await on.db.change(`update api_keys set expires_at = now() - interval '40 days'`);
  expect(await rotate('shop')).toMatchObject({ exit: 2 });
});

describe('keys show and revoke', () => {
  it('say of any kind who changed it and why, and end the old key of a rotation at once', async () => {
    await rotate('relay', '--reason', 'it leaked', '--overlap', '1h');
    const shown = await runJson(on.folder, 'keys', 'show', 'relay');
    expect(shown.data.keys).toMatchObject([{ state: 'retiring' }, { state: 'active', reason: 'it leaked' }]);
    expect((await runJson(on.folder, 'keys', 'revoke', 'relay')).exit).toBe(21);

    const revoked = await runJson(on.folder, 'keys', 'revoke', 'relay', '--yes');

    expect(revoked.data.key).toMatchObject({ kind: 'relay', state: 'retired' });
    expect((await on.env()).get('API_INTERNAL_TOKEN_ALSO')?.text).toBe('');
    expect(await states()).toEqual(['active']);
    const history = await runJson(on.folder, 'history');
    expect(JSON.stringify(history.data)).toContain('keys revoke');
  });

  it('refuse to revoke what nothing has replaced, and to create what is made elsewhere', async () => {
    expect(await runJson(on.folder, 'keys', 'revoke', 'redis', '--yes')).toMatchObject({
      exit: 21,
      error: { hint: expect.stringContaining('mailctl keys rotate redis') },
    });
    expect(await runJson(on.folder, 'keys', 'revoke', 'nobody', '--yes')).toMatchObject({ exit: 2 });
    expect(await runJson(on.folder, 'keys', 'create', '--name', 'x', '--kind', 'smtp')).toMatchObject({
      exit: 2,
      error: { field: '--kind', hint: expect.stringContaining('smtp-users create') },
    });
  });
});

it('of a key that has leaked: the lines of the runbook replace it, and end the old one', async () => {
  using tools = temporaryFolder();
  const run = shellIn(on.folder.path, tools.path, { NAME: 'relay' });
  const blocks = runbook('leaked-key').map((block) => block.map((line) => line.replace(/\bNAME\b/, '$NAME')));
  for (const line of blocks.slice(0, -1).flat()) await run(line);
  const env = await on.env();
  expect(env.get('API_INTERNAL_TOKEN')?.text).not.toBe(goodSecret);
  expect(env.get('API_INTERNAL_TOKEN_ALSO')?.text).toBe('');
});

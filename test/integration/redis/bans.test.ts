import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { temporaryFolder } from '../../cli/folders.ts';
import { envText } from '../../config/valid-sources.ts';
import { testRedis, type TestRedis } from '../../engines/redis.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { runJson } from '../cli/database-folder.ts';
import { type GuardedRelay, guardedRelay } from './guarded-relay.ts';

const home = '192.0.2.7';
const elsewhere = '198.51.100.9';

let redis: TestRedis;
let relay: GuardedRelay;
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(async () => {
  redis = await testRedis();
  const url = `unix://${redis.address.path}?db=${redis.address.db}`;
  relay = await guardedRelay(url);
  folder = folderWith({ REDIS_URL: url, RELAY_NEVER_COUNTED: '172.18.0.1' });
});

afterEach(async () => {
  folder[Symbol.dispose]();
  await relay[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

function folderWith(values: Readonly<Record<string, string>>) {
  const made = temporaryFolder();
  writeFileSync(join(made.path, '.env'), envText({ MAILCTL_MODE: 'sandbox', ...values }), { mode: 0o600 });
  return made;
}

function bans(...words: readonly string[]) {
  return runJson(folder, 'bans', ...words);
}

async function subjects(): Promise<readonly string[]> {
  return (await bans('list')).data.bans.map(({ subject }: { subject: string }) => subject);
}

describe('mailctl bans list', () => {
  it('shows what the relays locked after failed logins, and until when', async () => {
    expect((await bans('list')).data).toEqual({ bans: [] });
    await relay.guessUntilLocked(home, 'ann');
    const [ban, ...others] = (await bans('list')).data.bans;
    expect(others).toEqual([]);
    expect(ban).toMatchObject({ subject: 'pair:192.0.2.0/24 ann', by: 'failures', reason: null });
    expect(Date.parse(ban.until) - Date.now()).toBeGreaterThan(30_000);
  });
});

describe('mailctl bans add', () => {
  it('turns a single address away, and nobody beside it', async () => {
    const { data } = await bans('add', home, '--for', '1h', '--reason', 'scans us');
    expect(data.bans).toMatchObject([{ subject: `address:${home}`, by: 'operator', reason: 'scans us' }]);
    expect(await relay.guard.admit(home)).toBe('turned-away');
    expect(await relay.guard.admit('192.0.2.8')).toBe('welcome');
    expect(await relay.logIn(home, 'ann', 'right')).toBe('locked');
  });

  it.each([
    ['198.51.100.0/24', '198.51.100.200'],
    ['2001:db8:0:1::/64', '2001:db8:0:1::beef'],
    ['2001:DB8:0::1', '2001:db8::1'],
  ])('turns %s away, also as %s', async (word, address) => {
    await bans('add', word);
    expect(await relay.guard.admit(address)).toBe('turned-away');
  });

  it('locks a user name everywhere, where the user is at home too', async () => {
    await relay.logIn(home, 'ann', 'right');
    await bans('add', 'ann', '--for', 'ever');
    expect(await relay.logIn(home, 'ann', 'right')).toBe('locked');
    expect((await bans('list')).data.bans).toMatchObject([{ subject: 'username:ann', until: null }]);
  });

  it('does nothing on a dry run', async () => {
    expect((await bans('add', home, '--dry-run')).data).toMatchObject({ applied: false, bans: [] });
    expect(await subjects()).toEqual([]);
  });

  it.each([
    [['add', '192.0.2.0/16'], 'ADDRESS|USERNAME'],
    [['add', 'pair:192.0.2.0/24 ann'], 'ADDRESS|USERNAME'],
    [['add', home, '--for', 'long'], '--for'],
    [['remove', '2001:db8::/48'], 'ADDRESS|USERNAME'],
  ])('refuses %j and names %s', async (words, field) => {
    expect(await bans(...words)).toMatchObject({ exit: 2, error: { code: 'usage', field } });
    expect(await subjects()).toEqual([]);
  });
});

describe('mailctl bans remove', () => {
  it('lets a user in again, whatever locked it, and forgets the failures', async () => {
    await relay.guessUntilLocked(home, 'ann');
    await relay.guessUntilLocked(elsewhere, 'ann');
    expect((await subjects()).length).toBeGreaterThan(1);
    const { data } = await bans('remove', 'ann');
    expect(data.bans.length).toBeGreaterThan(1);
    expect(data.plan.steps.length).toBeGreaterThan(data.bans.length);
    expect(await subjects()).toEqual([]);
    expect(await relay.logIn(home, 'ann', 'right')).toBe('accepted');
    expect(await relay.guessUntilLocked(elsewhere, 'ann')).toBe(8);
  });

  it('lets an address in again, and leaves other networks locked', async () => {
    for (const word of [home, '192.0.2.0/24', elsewhere]) await bans('add', word);
    await bans('remove', home);
    expect(await subjects()).toEqual([`address:${elsewhere}`]);
    expect(await relay.guard.admit(home)).toBe('welcome');
  });

  it('takes a subject as the list shows it, and says when nothing was locked', async () => {
    await relay.guessUntilLocked(home, 'ann');
    await bans('remove', 'pair:192.0.2.0/24 ann');
    expect(await subjects()).toEqual([]);
    await bans('remove', 'ann');
    expect((await bans('remove', 'ann')).data).toMatchObject({
      applied: true,
      plan: { title: 'Nothing locks ann', steps: [] },
    });
  });
});

describe('mailctl bans explain', () => {
  it('says what is counted, where a user is at home, and what locks it', async () => {
    await relay.logIn(home, 'ann', 'right');
    for (let n = 0; n < 3; n += 1) await relay.logIn(elsewhere, 'ann', `wrong ${n}`);
    expect((await bans('explain', 'ann')).data).toMatchObject({
      verdict: 'not locked',
      counts: [
        { subject: 'pair:198.51.100.0/24 ann', failures: 3, of: 8 },
        { subject: 'username:ann', failures: 3, of: 15 },
      ],
      known_networks: ['192.0.2.0/24'],
    });
    await relay.guessUntilLocked(elsewhere, 'ann');
    expect((await bans('explain', 'ann')).data.verdict).toBe('locked for 198.51.100.0/24 ann');
    await bans('add', home, '--for', 'ever', '--reason', 'abuse');
    expect((await bans('explain', home)).data.verdict).toBe(
      `address:${home} is locked by the operator (abuse) until it is removed`,
    );
    expect((await bans('explain', '172.18.0.1')).data.verdict).toContain('RELAY_NEVER_COUNTED');
  });

  it('changes nothing', async () => {
    for (let n = 0; n < 3; n += 1) await relay.logIn(home, 'ann', `other ${n}`);
    const first = await bans('explain', home);
    expect((await bans('explain', home)).data.counts).toHaveLength(first.data.counts.length);
    expect(await relay.guessUntilLocked(home, 'ann')).toBe(5);
  });
});

describe('without a Redis', () => {
  it('says plainly what that means, and refuses to act', async () => {
    using alone = folderWith({});
    const listed = await runInProcess(['-C', alone.path, 'bans', 'list', '--json']);
    expect(JSON.parse(listed.out)).toMatchObject({
      data: { bans: [] },
      warnings: [expect.stringMatching(/^REDIS_URL is not set: each relay keeps/)],
    });
    expect((await runJson(alone, 'bans', 'explain', 'ann')).data.verdict).toMatch(/^REDIS_URL is not set/);
    for (const verb of ['add', 'remove']) {
      expect(await runJson(alone, 'bans', verb, 'ann')).toMatchObject({
        exit: 10,
        error: { code: 'config-invalid', field: 'REDIS_URL' },
      });
    }
  });

  it('that answers, fails with the variable that leads to it', async () => {
    using lost = folderWith({ REDIS_URL: 'unix:///nowhere/socket' });
    for (const words of [['list'], ['explain', 'ann'], ['add', 'ann'], ['remove', 'ann']]) {
      expect(await runJson(lost, 'bans', ...words)).toMatchObject({
        exit: 13,
        error: { field: 'REDIS_URL' },
      });
    }
  });
});

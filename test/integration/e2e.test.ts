import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { failureOf, proveMail } from '../../src/operations/e2e/prove.ts';
import { allChecks, chooseChecks, type E2eReport } from '../../src/operations/e2e/run.ts';
import { openRuntime } from '../../src/runtime.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';

const world = { clock: systemClock, random: systemRandom, log: () => silentLog };
const uid = process.getuid?.();

/** Runs checks on a sandbox as `mailctl -C DIR e2e` does; hops fail after `timeout`. */
async function prove(sandbox: Sandbox, checks: string[] = [], environment = {}): Promise<E2eReport> {
  await using runtime = openRuntime({ dir: sandbox.dir, environment, uid });
  const stop = new AbortController().signal;
  return await proveMail(runtime, { checks, to: undefined, tell: () => undefined, stop });
}

describe('a whole platform', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({}, world);
  });
  afterAll(async () => sandbox[Symbol.asyncDispose]());

  it('passes every check, none skipped', async () => {
    const report = await prove(sandbox);

    expect(report.checks.filter(({ result }) => result !== 'pass')).toEqual([]);
    expect(report).toMatchObject({ failed: 0, skipped: 0, passed: allChecks.length, first_broken_hop: null });
    expect(failureOf(report)).toBeUndefined();
  });

  it('can be proven again and again, leaving no user, key or endpoint behind', async () => {
    await prove(sandbox, ['http-api']);
    await using runtime = openRuntime({ dir: sandbox.dir, environment: {}, uid });
    const db = await runtime.postgres();

    const [left] = await db.query(
      `select (select count(*)::int from smtp_credentials) as users, (select count(*)::int from api_keys) as keys,
        (select count(*)::int from webhook_endpoints) as endpoints`,
    );

    expect(left).toEqual({ users: 1, keys: 1, endpoints: 1 });
  });
});

describe('choosing checks', () => {
  it('takes what a check needs along, in the order of the message', () => {
    expect(chooseChecks(['api.stored']).map(({ id }) => id)).toEqual([
      'smtp.greeting',
      'smtp.ehlo',
      'smtp.auth',
      'smtp.accepted',
      'api.stored',
    ]);
  });

  it('refuses a name that is none, and says which there are', () => {
    expect(() => chooseChecks(['postl'])).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('ams-webhook') }),
    );
  });
});

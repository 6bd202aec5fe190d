import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { failureOf, proveMail } from '../../src/operations/e2e/prove.ts';
import type { E2eReport } from '../../src/operations/e2e/run.ts';
import type { FaultOrder } from '../../src/postal-stand-in/faults.ts';
import { openRuntime } from '../../src/runtime.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';
import type { SandboxOptions } from '../../src/sandbox/world.ts';

const world = { clock: systemClock, random: systemRandom, log: () => silentLog };
const nobodyListens = 'http://127.0.0.1:9';
const impatient = { E2E_TIMEOUT: '3s' };

/** Runs checks on a sandbox as `mailctl -C DIR e2e` does; hops fail after `E2E_TIMEOUT`. */
async function prove(
  sandbox: Sandbox,
  checks: string[],
  environment: Record<string, string>,
): Promise<E2eReport> {
  await using runtime = openRuntime({ dir: sandbox.dir, environment, uid: process.getuid?.() });
  const stop = new AbortController().signal;
  return await proveMail(runtime, { checks, to: undefined, tell: () => undefined, stop });
}

describe('a platform in which something goes wrong', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({}, world);
  });
  afterAll(async () => sandbox[Symbol.asyncDispose]());

  const faults: readonly (readonly [string, FaultOrder, string, string])[] = [
    ['Postal answers 500', { kind: 'server-error' }, 'postal', 'postal.accepted'],
    ['Postal withholds the delivery', { kind: 'delivery-withheld' }, 'mailbox', 'mailbox.arrived'],
    ['the pixel and the link answer 500', { kind: 'tracking-error' }, 'tracking', 'tracking.pixel'],
    ['Postal sends no webhook', { kind: 'webhook-withheld' }, 'postal-webhook', 'webhook.delivered'],
    [
      'webhooks are signed by another key',
      { kind: 'webhook-foreign-key' },
      'postal-webhook',
      'webhook.delivered',
    ],
  ];

  it.each(faults)('names the hop when %s', async (_, fault, hop, check) => {
    sandbox.postal.order(fault);
    try {
      const report = await prove(sandbox, ['relay', 'tracking', 'ams-webhook'], impatient);

      expect(report.first_broken_hop).toBe(hop);
      expect(failureOf(report)).toMatchObject({ code: 'check-failed', exit: 20, field: check, data: report });
    } finally {
      sandbox.postal.reset();
    }
  });
});

describe('a platform that is broken from the start', () => {
  const broken: readonly (readonly [string, SandboxOptions, string, string])[] = [
    [
      'the relay does not run',
      { without: ['relay'], variables: { E2E_SMTP_ADDRESS: '127.0.0.1:9' } },
      'relay',
      'smtp.greeting',
    ],
    [
      'the relay cannot reach the api',
      { variables: { API_INTERNAL_URL: nobodyListens } },
      'api',
      'smtp.auth',
    ],
    ['no worker runs', { without: ['worker'] }, 'worker', 'postal.accepted'],
    [
      'Postal is not where POSTAL_URL says',
      { variables: { POSTAL_URL: nobodyListens } },
      'postal',
      'postal.accepted',
    ],
    [
      'private endpoints are refused',
      { variables: { WEBHOOK_ALLOWED_ADDRESSES: '192.0.2.1' } },
      'ams-webhook',
      'ams.webhook',
    ],
  ];

  it.each(broken)('names the hop when %s', async (_, options, hop, check) => {
    await using sandbox = await startSandbox(options, world);

    const report = await prove(sandbox, ['relay', 'ams-webhook'], impatient);

    expect(report.first_broken_hop).toBe(hop);
    expect(failureOf(report)?.field).toBe(check);
  });

  it('names Postal, and says why, when the mail server is suspended there', async () => {
    await using sandbox = await startSandbox({}, world);
    sandbox.postal.order({ kind: 'server-suspended' });

    const report = await prove(sandbox, ['relay', 'ams-webhook'], impatient);

    expect(report.first_broken_hop).toBe('postal');
    expect(failureOf(report)?.message).toContain('suspended');
  });

  it('names the HTTP api when it is not where API_URL says', async () => {
    await using sandbox = await startSandbox({}, world);

    const report = await prove(sandbox, [], { ...impatient, API_URL: nobodyListens });

    expect(report.first_broken_hop).toBe('http-api');
    expect(failureOf(report)?.field).toBe('http.reachable');
  });
});

import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { webhookFigures } from '../../../src/store/webhook-deliveries.ts';
import { pauseWebhookEndpoint } from '../../../src/store/webhook-endpoints.ts';
import { deadWebhooks } from '../../../src/store/webhook-list.ts';
import { folderFor, runJson } from '../cli/database-folder.ts';
import { type Heard, listenAsAms, openRig, type Rig, sealingKey } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const folder = (more = {}) =>
  folderFor(rig, { WEBHOOK_SEALING_KEY: sealingKey.reveal(), E2E_POLL_INTERVAL: '20ms', ...more });

describe('a test of an endpoint', () => {
  it('is one signed webhook by the worker, also where the endpoint wants few types', async () => {
    await using ams = await listenAsAms(() => 202);
    const { id, secret } = await rig.subscribe(ams.url, ['message.bounced']);
    await rig.work();
    using place = folder();

    expect(await runJson(place, 'webhooks', 'test', id, '--dry-run')).toMatchObject({
      exit: 0,
      data: { applied: false },
    });
    expect(ams.heard).toHaveLength(0);
    expect(await runJson(place, 'webhooks', 'test', id)).toMatchObject({
      exit: 0,
      data: { applied: true, changed: 1, status: 202 },
    });

    expect(ams.heard).toHaveLength(1);
    const { headers, body } = ams.heard[0] as Heard;
    const verified = new Webhook(secret.reveal()).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({ type: 'webhook.test', data: { endpoint_id: id } });
  });

  it('that is not taken is tried once, says why, and is no dead letter', async () => {
    await using ams = await listenAsAms(() => 500);
    const { id } = await rig.subscribe(ams.url);
    await rig.work({ WEBHOOK_RETRY_SCHEDULE: '10ms,10ms' });
    using place = folder();

    expect(await runJson(place, 'webhooks', 'test', id)).toMatchObject({
      exit: 20,
      error: { code: 'check-failed', message: expect.stringContaining('the endpoint answered 500') },
    });
    expect(ams.heard).toHaveLength(1);
    expect(await deadWebhooks(rig.db, 10)).toEqual([]);
    expect(await webhookFigures(rig.db)).toMatchObject({ waiting: 0, dead: 0 });
  });

  it('at a private address is refused when connecting, and says so', async () => {
    await using ams = await listenAsAms();
    const { id } = await rig.subscribe(ams.url);
    await rig.work({ WEBHOOK_ALLOWED_ADDRESSES: '' });
    using place = folder();

    const { exit, error } = await runJson(place, 'webhooks', 'test', id);
    expect([exit, error.hint]).toEqual([20, expect.stringContaining('WEBHOOK_ALLOWED_ADDRESSES')]);
    expect(ams.heard).toHaveLength(0);
  });

  it('is not begun where nothing is sent, and ends in time where no worker runs', async () => {
    const { id } = await rig.subscribe('http://127.0.0.1:1/');
    using place = folder({ E2E_TIMEOUT: '100ms' });
    expect(await runJson(place, 'webhooks', 'test', 'whe_none')).toMatchObject({
      exit: 2,
      error: { field: 'id' },
    });
    expect(await runJson(place, 'webhooks', 'test', id)).toMatchObject({ exit: 14 });
    await pauseWebhookEndpoint(rig.db, id);
    expect(await runJson(place, 'webhooks', 'test', id)).toMatchObject({ exit: 2, error: { field: 'id' } });
  });
});

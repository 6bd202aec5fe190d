import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemRandom } from '../../../src/adapters/random.ts';
import { sealSecret } from '../../../src/domain/sealed-secret.ts';
import { webhookSecret } from '../../../src/domain/webhook-signature.ts';
import { listDeliveries, replayWebhooks } from '../../../src/store/webhook-list.ts';
import { until } from '../../store/until.ts';
import { listen, listenAsAms, openRig, type Rig, sealingKey } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

interface DeliveryRow extends Record<string, unknown> {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
}

const deliveries = () =>
  rig.db.query<DeliveryRow>(
    'select id, state, attempts, last_status, last_error from webhook_deliveries order by id',
  );
const delivered = (rows: readonly DeliveryRow[]) =>
  rows.length > 0 && rows.every(({ state }) => state === 'delivered');

const quick = { WEBHOOK_RETRY_SCHEDULE: '20ms,20ms,20ms', WEBHOOK_BREAKER_FAILURES: '100' };

describe('a webhook to AMS', () => {
  it('is tried again with the same id and body until it is taken', async () => {
    const answers = [500, 429, 302];
    await using ams = await listenAsAms(() => answers.shift() ?? 204);
    const { secret } = await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work(quick);
    await rig.submit();

    const rows = await until(deliveries, delivered);

    expect(rows).toMatchObject([{ attempts: 4, last_status: 204 }]);
    expect(new Set(ams.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(ams.heard.map(({ body }) => body)).size).toBe(1);
    for (const { headers, body } of ams.heard)
      expect(() =>
        new Webhook(secret.reveal()).verify(body, headers as Record<string, string>),
      ).not.toThrow();
  });

  it('is signed with the previous secret too while that still counts', async () => {
    await using ams = await listenAsAms();
    const { id, secret } = await rig.subscribe(ams.url, ['message.delivered']);
    const previous = webhookSecret(systemRandom.letters(52));
    const sealed = sealSecret(previous, { key: sealingKey, owner: id }, systemRandom.bytes(12));
    await rig.db.change('update webhook_endpoints set sealed_previous_secret = $1', [sealed]);
    await rig.work();
    await rig.submit();
    await until(deliveries, delivered);

    const [{ headers, body } = { headers: {}, body: '' }] = ams.heard;
    for (const each of [secret, previous])
      expect(() => new Webhook(each.reveal()).verify(body, headers as Record<string, string>)).not.toThrow();
  });

  it('lies in the dead-letter list after the whole schedule, and is sent when it is replayed', async () => {
    let status = 503;
    await using ams = await listenAsAms(() => status);
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work(quick);
    await rig.submit();

    await until(deliveries, (rows) => rows.some(({ state }) => state === 'dead'));
    const filter = { state: 'dead', endpointId: undefined } as const;
    const [dead] = await listDeliveries(rig.db, filter, { before: undefined, limit: 10 });
    expect(dead).toMatchObject({ attempts: 4, lastStatus: 503, lastError: 'the endpoint answered 503' });

    status = 200;
    expect(await replayWebhooks(rig.db, [dead?.id ?? ''])).toBe(1);
    await until(deliveries, delivered);
  });

  it('waits as long as the endpoint asks', async () => {
    await using ams = await listen((_, response) => response.writeHead(503, { 'retry-after': '3600' }).end());
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work({ WEBHOOK_RETRY_SCHEDULE: '20ms,2h' });
    await rig.submit();

    await until(deliveries, (rows) => rows.some((row) => row.last_status === 503));
    const [row] = await rig.db.query<{ seconds: number }>(
      'select extract(epoch from next_attempt_at - now())::float as seconds from webhook_deliveries',
    );
    expect(row?.seconds).toBeGreaterThan(3500);
  });

  it('is the last to an endpoint that is gone: it is disabled, what waits for it stays, and the administrator gets a mail', async () => {
    await using ams = await listenAsAms(() => 410);
    const { id } = await rig.subscribe(ams.url, ['message.accepted', 'message.delivered']);
    await rig.work({ ...quick, WEBHOOK_ENDPOINT_CONCURRENCY: '1' });
    await rig.submit();

    const rows = await until(
      () => rig.db.query('select disabled_reason from webhook_endpoints where disabled_at is not null'),
      (found) => found.length === 1,
    );
    expect(rows).toEqual([{ disabled_reason: 'it answered 410 Gone' }]);
    expect(ams.heard).toHaveLength(1);
    expect((await deliveries()).every(({ state }) => state === 'waiting')).toBe(true);
    const [mail] = await until(
      () => rig.postal.mailbox('ops@acme.test'),
      (found) => found.length > 0,
    );
    const octets = rig.postal.delivered(mail?.id ?? 0)?.toString();
    expect(octets).toContain(`Subject: Webhook endpoint ${id} was disabled`);
    expect(octets).toContain(`mailctl webhooks resume ${id}`);
  });

  it('never reaches a private address that is not allowed', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(`http://localhost:${ams.port}`, ['message.delivered']);
    await rig.work({ ...quick, WEBHOOK_ALLOWED_ADDRESSES: '' });
    await rig.submit();

    const rows = await until(deliveries, (all) => all.some(({ state }) => state === 'dead'));
    expect(rows[0]?.last_error).toContain('no public address');
    expect(ams.heard).toEqual([]);
  });

  it('fails with a reason when the secret was sealed with another key', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work({ ...quick, WEBHOOK_SEALING_KEY: 'x'.repeat(43) });
    await rig.submit();

    const rows = await until(deliveries, (all) => all.some((row) => row.last_error !== null));
    expect(rows[0]?.last_error).toContain('WEBHOOK_SEALING_KEY');
    expect(ams.heard).toEqual([]);
  });
});

describe('an endpoint that never answers', () => {
  it('slows no other', async () => {
    await using dead = await listen(() => undefined);
    await using ams = await listenAsAms();
    await rig.subscribe(dead.url);
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work({ WEBHOOK_CONCURRENCY: '4', WEBHOOK_ENDPOINT_CONCURRENCY: '3', WEBHOOK_TIMEOUT: '1m' });

    for (let number = 0; number < 10; number += 1) await rig.submit();

    await until(
      () => ams.heard,
      (heard) => heard.length === 10,
    );
  });

  it('is left alone after some failures, and burns no attempt meanwhile', async () => {
    let isUp = false;
    await using ams = await listenAsAms(() => (isUp ? 200 : 500));
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work({
      WEBHOOK_RETRY_SCHEDULE: '10ms,10ms,10ms,10ms,10ms,10ms,10ms,10ms',
      WEBHOOK_BREAKER_FAILURES: '2',
      WEBHOOK_BREAKER_OPEN: '300ms',
    });
    for (let number = 0; number < 5; number += 1) await rig.submit();
    await until(
      () => ams.heard,
      (heard) => heard.length >= 2,
    );
    const asked = ams.heard.length;
    isUp = true;

    const rows = await until(deliveries, delivered);
    expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(ams.heard.length);
    expect(asked).toBeLessThan(10);
  });

  it('is not asked while it is paused, and gets everything afterwards', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.db.change('update webhook_endpoints set paused_at = now()');
    await rig.work();
    const id = await rig.submit();
    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
    );
    expect(ams.heard).toEqual([]);

    await rig.db.change('update webhook_endpoints set paused_at = null');
    await until(deliveries, delivered);
  });
});

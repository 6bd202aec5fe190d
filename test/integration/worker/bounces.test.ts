import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { copiesOf, insertInboundMail } from '../../../src/store/inbound-mail.ts';
import { insertPostalWebhooks } from '../../../src/store/postal-webhooks.ts';
import { findSuppression } from '../../../src/store/suppressions.ts';
import { until } from '../../store/until.ts';
import { type Heard, listenAsAms, openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const suppressed = (address: string) => findSuppression(rig.db, { address, scope: '' });

interface EventRow extends Record<string, unknown> {
  readonly kind: string;
  readonly recipient: string;
  readonly detail: Record<string, unknown>;
}

const eventsOf = (id: string, kind: string) =>
  rig.db.query<EventRow>('select kind, recipient, detail from events where message_id = $1 and kind = $2', [
    id,
    kind,
  ]);

async function classified(id: string): Promise<Record<string, unknown>> {
  const rows = await until(
    () => eventsOf(id, 'bounced'),
    ([row]) => row?.detail['bounce_class'] !== undefined,
  );
  return rows[0]?.detail ?? {};
}

const detailOf = ({ body }: Heard) => JSON.parse(body).data.detail;

/** Stores Postal's webhook of a bounce, as if it had come for the only recipient of this message. */
async function bounceOf(id: string, bounceId: number): Promise<void> {
  const [row] = await rig.db.query<{ from: string }>(
    `select postal_key || '@mail.acme.test' as from from messages where id = $1`,
    [id],
  );
  const message = { id: 1, token: 'x', direction: 'outgoing', to: 'ann@example.test', from: row?.from };
  const uuid = '00000000-0000-4000-8000-000000000001';
  const payload = { original_message: message, bounce: { ...message, id: bounceId, direction: 'incoming' } };
  const body = Buffer.from(
    JSON.stringify({ event: 'MessageBounced', timestamp: 1_795_421_544.8, payload, uuid }),
  );
  await insertPostalWebhooks(rig.db, [{ uuid, event: 'MessageBounced', body, quarantined: undefined }]);
}

describe('a bounce', () => {
  it('of an address that does not exist keeps further mail from it, and AMS hears why in one webhook', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.bounced', 'message.suppressed']);
    await rig.work();
    const id = await rig.submit({ to: ['bounce@Example.test', 'ann@example.test'] });

    expect(await classified(id)).toMatchObject({
      bounce_class: 'address',
      bounce_code: '5.1.1',
      report: '550 5.1.1 user unknown',
    });
    expect(await suppressed('bounce@example.test')).toMatchObject({
      reason: 'bounce',
      evidence: `bounced, message ${id}: 550 5.1.1 user unknown`,
      expiresAt: undefined,
    });
    expect(await suppressed('ann@example.test')).toBeUndefined();
    await until(
      async () => ams.heard,
      (heard) => heard.length === 1,
    );
    expect(detailOf(ams.heard[0] as Heard)).toMatchObject({ bounce_class: 'address', bounce_code: '5.1.1' });

    const next = await rig.submit({ to: ['bounce@Example.test'] });
    await until(
      () => rig.recipients(next),
      ([row]) => row?.state === 'suppressed',
    );
    await until(
      async () => ams.heard,
      (heard) => heard.length === 2,
    );
    expect(ams.heard.filter(({ body }) => body.includes('message.bounced'))).toHaveLength(1);
  });

  it('that only tells of a delay silences nobody, and the recipient stays one whose server has the message', async () => {
    await rig.work();
    const id = await rig.submit({ to: ['bounce+4.4.1@example.test'] });
    expect(await classified(id)).toMatchObject({ bounce_class: 'delay', bounce_code: '4.4.1' });
    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
    );
    expect(await suppressed('bounce+4.4.1@example.test')).toBeUndefined();
  });

  it('of our own block silences nobody', async () => {
    await rig.work();
    const id = await rig.submit({ to: ['bounce+5.7.1@example.test'] });
    expect(await classified(id)).toMatchObject({ bounce_class: 'policy', bounce_code: '5.7.1' });
    expect(await suppressed('bounce+5.7.1@example.test')).toBeUndefined();
  });

  it('silences for as long as the operator says', async () => {
    await rig.work({ SUPPRESSION_BOUNCE_EXPIRY: '30d' });
    const id = await rig.submit({ to: ['bounce@example.test'] });
    await classified(id);
    const end = (await suppressed('bounce@example.test'))?.expiresAt?.getTime() ?? 0;
    expect(Math.abs(end - Date.now() - 30 * 86_400_000)).toBeLessThan(3_600_000);
  });

  it('whose report cannot be read is told without it in the end, and read as soon as Postal answers', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.bounced']);
    const worker = await rig.work();
    const id = await rig.submit();
    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
    );
    await worker.stop();
    await rig.work({
      POSTAL_URL: 'http://127.0.0.1:1',
      BOUNCE_REPORT_HOLD: '50ms',
      DELIVERY_RETRY_MAX: '50ms',
    });
    await bounceOf(id, 999_999);
    await until(
      async () => ams.heard,
      (heard) => heard.length === 1,
    );
    expect(detailOf(ams.heard[0] as Heard)).not.toHaveProperty('bounce_class');
    await until(
      () => rig.db.query<{ attempts: number }>('select attempts from bounce_reports'),
      ([row]) => (row?.attempts ?? 0) > 2,
    );
    await rig.work();
    expect(await classified(id)).toMatchObject({ bounce_class: 'other', report: 'Postal has it no longer' });
    expect(await suppressed('ann@example.test')).toBeUndefined();
    expect(ams.heard).toHaveLength(1);
  });

  it('whose report Postal never gives is left without a class in the end', async () => {
    const id = await rig.submit();
    await rig.db.change(
      `insert into events (id, message_id, recipient, kind, at, detail) values ('evt_y', $1, 'ann@example.test', 'bounced', now(), '{}')`,
      [id],
    );
    await rig.db.change(
      `insert into bounce_reports (event_id, postal_id, first_attempt_at) values ('evt_y', 1, now() - interval '2 days')`,
    );
    await rig.work({ POSTAL_URL: 'http://127.0.0.1:1' });
    expect((await classified(id))['report']).toMatch(/^not read: /);
  });
});

describe('a refusal for good', () => {
  it('of the address keeps further mail from it, one of our block does not', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.failed']);
    await rig.work();
    const id = await rig.submit({ to: ['hardfail@example.test', 'hardfail+5.7.1@example.test'] });
    await until(
      () => eventsOf(id, 'failed'),
      (rows) => rows.length === 2,
    );
    expect(await suppressed('hardfail@example.test')).toMatchObject({
      reason: 'bounce',
      evidence: `failed, message ${id}: 550 5.1.1 user unknown`,
    });
    expect(await suppressed('hardfail+5.7.1@example.test')).toBeUndefined();
    await until(
      async () => ams.heard,
      (heard) => heard.length === 2,
    );
    expect(ams.heard.map((heard) => detailOf(heard).bounce_class).toSorted()).toEqual(['address', 'policy']);
  });
});

describe('a complaint', () => {
  it('that a route of Postal brings silences its recipient, and AMS hears of it', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.complained']);
    await rig.work();
    const id = await rig.submit({ to: ['complaint@example.test', 'ann@example.test'] });

    await until(
      async () => ams.heard,
      (heard) => heard.length === 1,
    );
    expect(JSON.parse(ams.heard[0]?.body ?? '')).toMatchObject({
      type: 'message.complained',
      data: {
        message_id: id,
        recipient: 'complaint@example.test',
        detail: { feedback_type: 'abuse', reporter: 'stand-in/1.0' },
      },
    });
    expect(await suppressed('complaint@example.test')).toMatchObject({
      reason: 'complaint',
      evidence: `abuse report by stand-in/1.0, message ${id}`,
      expiresAt: undefined,
    });
    expect(await suppressed('ann@example.test')).toBeUndefined();
    await until(
      () => rig.recipients(id),
      ([complained]) => complained?.state === 'delivered',
    );
  });

  it('that somebody made up silences nobody, and lies in quarantine with the reason', async () => {
    await rig.work();
    const id = await rig.submit({ to: ['ann@example.test', 'bob@example.test'] });
    await until(
      () => rig.recipients(id),
      (rows) => rows.every(({ state }) => state === 'delivered'),
    );
    expect(await copiesOf(rig.db, 'm@acme.test')).toHaveLength(2);
    const forged = (returned: string) =>
      Buffer.from(
        `Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n${returned}\r\n\r\n--x--\r\n`,
      );
    const mails = [
      ['complaints@acme.test', forged('Message-ID: <made-up@acme.test>')],
      ['Complaints+x@acme.test', forged('Message-ID: <m@acme.test>\r\nX-Postal-MsgID: guessed')],
      ['abuse@acme.test', Buffer.from('Subject: I want no more of it\r\n\r\nann@example.test')],
      ['sales@acme.test', Buffer.from('Subject: hello\r\n\r\n')],
    ] as const;
    for (const [index, [rcptTo, raw]] of mails.entries()) {
      const mailId = `00000000-0000-4000-8000-00000000000${index}`;
      await insertInboundMail(rig.db, { id: mailId, rcptTo, mailFrom: 'eve@example.net', raw });
    }
    const rows = await until(
      () =>
        rig.db.query<{ state: string; reason: string }>('select state, reason from inbound_mail order by id'),
      (all) => all.length === 4 && all.every(({ state }) => state !== 'new'),
    );
    expect(rows.map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => 'quarantined'));
    expect(rows.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('which recipient'),
      expect.stringContaining('which recipient'),
      expect.stringContaining('no complaint in the form of ARF'),
      expect.stringContaining('nothing here takes mail'),
    ]);
    expect(await rig.db.query('select address from suppressions')).toEqual([]);
  });

  it('that says it was no spam changes nothing, and a probe is kept', async () => {
    await rig.work();
    const notSpam = Buffer.from(
      'Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: not-spam\r\n\r\n--x--\r\n',
    );
    const id = '00000000-0000-4000-8000-000000000009';
    const probe = '00000000-0000-4000-8000-000000000010';
    await insertInboundMail(rig.db, { id, rcptTo: 'fbl@acme.test', mailFrom: '', raw: notSpam });
    await insertInboundMail(rig.db, {
      id: probe,
      rcptTo: 'e2e-probe+7@acme.test',
      mailFrom: '',
      raw: notSpam,
    });
    const rows = await until(
      () => rig.db.query<{ state: string }>('select state from inbound_mail'),
      (all) => all.every(({ state }) => state === 'done'),
    );
    expect(rows).toHaveLength(2);
    expect(await rig.db.query('select address from suppressions')).toEqual([]);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ApiUnderTest, countOf, runningApi, webhookToken } from './running-api.ts';
import { post, postalEvent, type Signed, signed } from './signed-webhook.ts';

const recorded = join(import.meta.dirname, '../../contracts/fixtures/postal');
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
const door = `${webhookToken}/inbound`;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({
    API_FAILURE_LIMIT: '1000',
    POSTAL_WEBHOOK_MAX_BYTES: '8KB',
    INBOUND_MAX_BYTES: '64KB',
  });
});
afterAll(() => api[Symbol.asyncDispose]());

function mail(changes: object = {}): Buffer {
  const message = Buffer.from('Subject: hello\r\n\r\nhello\r\n').toString('base64');
  return Buffer.from(
    JSON.stringify({
      id: 7,
      rcpt_to: 'abuse@acme.test',
      mail_from: 'a@b.test',
      message,
      base64: true,
      size: 25,
      ...changes,
    }),
  );
}

function recordedAs(name: string): Signed {
  const folder = join(recorded, 'inbound', name);
  const { headers } = JSON.parse(readFileSync(join(folder, 'headers.json'), 'utf8')) as {
    headers: Record<string, string>;
  };
  const signatures = Object.entries(headers).filter(([field]) => field.startsWith('X-Postal-Signature'));
  return {
    body: readFileSync(join(folder, 'body.json')),
    headers: { 'content-type': 'application/json', ...Object.fromEntries(signatures) },
  };
}

describe('mail that a route of Postal brings', () => {
  it('as recorded from Postal is believed and stored octet by octet, once', async () => {
    const pem = readFileSync(join(recorded, 'keys/signing.pub.pem'), 'utf8');
    await using real = await runningApi({ POSTAL_WEBHOOK_PUBLIC_KEY: pem });
    expect(await post(real, recordedAs('raw'), door)).toBe(200);
    expect(await post(real, recordedAs('raw'), door)).toBe(200);
    const rows = await real.db.query<{ raw: Buffer }>(
      'select rcpt_to, mail_from, state, raw from inbound_mail',
    );
    expect(rows).toMatchObject([
      { rcpt_to: 'e2e-probe@acme.test', mail_from: 'a@b.rcpt.test', state: 'new' },
    ]);
    expect(rows[0]?.raw.toString()).toMatch(
      /^X-Postal-Spam: no\r\n[\s\S]*Message-ID: <inb-e2e-probe@acme\.test>\r\n/,
    );
    expect(rows[0]?.raw.toString()).toMatch(/<p>hi [\s\S]*<\/p>\r\n$/);
  });

  it('may be larger than a webhook, up to INBOUND_MAX_BYTES', async () => {
    const large = (octets: number) => signed(mail({ message: Buffer.alloc(octets, 'x').toString('base64') }));
    expect(await post(api, large(30_000), door)).toBe(200);
    expect(await post(api, large(60_000), door)).toBe(413);
  });

  it('from a null sender, and to an address with a plus, is stored as it is', async () => {
    expect(await post(api, signed(mail({ mail_from: null, rcpt_to: 'abuse+1@acme.test' })), door)).toBe(200);
    const rows = await api.db.query(`select mail_from from inbound_mail where rcpt_to = 'abuse+1@acme.test'`);
    expect(rows).toEqual([{ mail_from: '' }]);
  });

  it('that is forged in any way is refused, and nothing is stored', async () => {
    const before = [await countOf(api.db, 'inbound_mail'), await countOf(api.db, 'postal_webhooks')];
    const genuine = signed(mail());
    const changed = Buffer.from(genuine.body.toString().replace('a@b.test', 'b@b.test'));
    const { 'x-postal-signature-256': _, ...older } = genuine.headers;
    expect(await post(api, signed(mail(), foreign), door)).toBe(403);
    expect(await post(api, { ...genuine, body: changed }, door)).toBe(403);
    expect(await post(api, { ...genuine, headers: older }, door)).toBe(403);
    expect(await post(api, genuine, `${webhookToken.slice(1)}/inbound`)).toBe(404);
    expect([await countOf(api.db, 'inbound_mail'), await countOf(api.db, 'postal_webhooks')]).toEqual(before);
  });

  it('that is genuine and no raw message is kept for the operator, and no webhook passes for mail or mail for a webhook', async () => {
    const before = await countOf(api.db, 'inbound_mail');
    expect(await post(api, signed(mail({ base64: false })), door)).toBe(200);
    expect(await post(api, signed(postalEvent()), door)).toBe(200);
    expect(await post(api, signed(mail({ id: 8 })))).toBe(200);
    expect(await countOf(api.db, 'inbound_mail')).toBe(before);
    const rows = await api.db.query('select state from postal_webhooks');
    expect(rows).toEqual([{ state: 'quarantined' }, { state: 'quarantined' }, { state: 'quarantined' }]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ask, askSurely } from './http-client.ts';
import { htmlMail, startTestPostal, type TestPostal, webHostname } from './stand-in.ts';

const hostile = '<script>alert("1")</script>\'"><img src=x onerror=alert(2)>';

let running: TestPostal;
let id: number;

beforeAll(async () => {
  running = await startTestPostal({ tracking: { trackWithoutProxy: true } });
  const message = htmlMail(
    ['X-Postal-Tag: t"><script>'],
    `<p>Dear ${hostile} <a href="https://a.test/">go</a></p>`,
  )
    .replace('Subject: Hello', `Subject: ${hostile}`)
    .replace('Acme <news@acme.test>', '"<script>alert(3)</script>" <news@acme.test>');
  ({ id } = await running.sendOne('<script>x@b.rcpt.test', { message }));
  await running.postal.idle();
});
afterAll(async () => running[Symbol.asyncDispose]());

const look = (path: string, headers: Record<string, string> = {}) =>
  askSurely(running.postal.url, { path: `/_stand-in/${path}`, headers });

describe('the mailbox page', () => {
  test.each(['mailbox', 'mailbox/ID', 'mailbox/ID?view=text', 'mailbox/ID?view=raw'])(
    '%s shows hostile mail as text only, under a policy that runs nothing',
    async (path) => {
      const page = await look(path.replace('ID', String(id)));
      expect(page.status).toBe(200);
      expect(page.text).not.toMatch(/<script|<img/i);
      expect(page.text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
      expect(page.headers['content-security-policy']).toMatch(/default-src 'none'/);
      expect(page.headers['content-security-policy']).not.toMatch(/script-src|unsafe/);
    },
  );

  test("puts the mail's own html into a sandboxed frame, which by its own policy runs and loads nothing", async () => {
    const page = await look(`mailbox/${id}`);
    expect(page.text).toMatch(/<iframe[^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/);
    expect(page.text).not.toMatch(/allow-(scripts|same-origin)/);
    const content = await look(`mailbox/${id}/content`);
    const policy = content.headers['content-security-policy'];
    expect(content.text).toContain(hostile);
    expect(policy).toMatch(
      /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:;/,
    );
    expect(policy).not.toMatch(/script|allow-same-origin/);
  });

  test('loads pictures only when asked to, because that counts as an open', async () => {
    expect((await look(`mailbox/${id}/content?images`)).headers['content-security-policy']).toContain(
      'img-src data: http: https:',
    );
    expect((await look(`mailbox/${id}?images`)).text).toContain(`/_stand-in/mailbox/${id}/content?images`);
  });

  test('needs nothing from elsewhere', async () => {
    const page = await look('mailbox');
    expect(page.text.match(/(?:src|href)="(?!\/_stand-in\/)/g)).toBeNull();
    expect((await look('mailbox.css')).headers['content-type']).toBe('text/css; charset=utf-8');
  });

  test('says so when a message is not there', async () => {
    expect(await look('mailbox/9999')).toMatchObject({
      status: 404,
      text: expect.stringContaining('No such message'),
    });
    expect(await look('nothing')).toMatchObject({ status: 404 });
  });
});

describe('the mailbox for programs', () => {
  test('lists by recipient and by Message-ID, with the events of each', async () => {
    const byId = await running.control<{ messages: object[] }>('mailbox.json?message_id=m1@acme.test');
    expect(byId.messages).toMatchObject([{ id, subject: hostile, tag: 't"><script>', status: 'Sent' }]);
    expect(await running.control('mailbox.json?to=nobody@b.rcpt.test')).toEqual({ messages: [] });
    const one = await running.control<{ events: { event: string; at: string }[] }>(`mailbox/${id}.json`);
    expect(one.events.map(({ event }) => event)).toEqual(['Accepted', 'Sent']);
    expect(one.events[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('gives the message octet for octet, as a download', async () => {
    const eml = await look(`mailbox/${id}.eml`);
    expect(eml.body.equals(running.postal.delivered(id) ?? Buffer.alloc(0))).toBe(true);
    expect(eml.headers).toMatchObject({
      'content-type': 'message/rfc822',
      'x-content-type-options': 'nosniff',
    });
    expect(eml.headers['content-disposition']).toMatch(/^attachment/);
  });

  test('publishes the DKIM records', async () => {
    expect(await running.control('dkim.json')).toEqual({ records: running.postal.dkimRecords });
  });
});

describe('a page from elsewhere in the browser', () => {
  test('cannot reach the mailbox under a name of its own', async () => {
    expect(await look('mailbox', { host: 'evil.example' })).toMatchObject({ status: 403 });
    for (const host of ['127.0.0.1:1', 'localhost:2', '[::1]:3', webHostname])
      expect(await look('mailbox', { host })).toMatchObject({ status: 200 });
  });

  test('cannot order faults with a form', async () => {
    const answer = await ask(running.postal.url, {
      method: 'POST',
      path: '/_stand-in/faults',
      headers: { 'content-type': 'text/plain' },
      body: '{"kind":"server-error"}',
    });
    expect(answer).toMatchObject({ status: 415 });
    expect(await running.control('faults')).toMatchObject({ ordered: [] });
  });
});

describe('tracking without a proxy', () => {
  test('is served where the stand-in itself listens, and counts', async () => {
    const html = running.postal.delivered(id)?.toString() ?? '';
    const [, link = ''] = /<a href='([^']+)'/.exec(html) ?? [];
    expect(link.startsWith(`${running.postal.url}/${running.postal.serverToken}/`)).toBe(true);
    const answer = await askSurely(running.postal.url, { path: new URL(link).pathname });
    expect([answer.status, answer.headers['location']]).toEqual([307, 'https://a.test/']);
    expect(await running.control(`mailbox/${id}.json`)).toMatchObject({ clicks: 1, opens: 0 });
  });

  test('names the last client in front of the trusted proxies', async () => {
    const { token, id: other } = await running.sendOne('ann@b.rcpt.test');
    const path = `/img/${running.postal.serverToken}/${token}`;
    await askSurely(running.postal.url, {
      path,
      headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.7, 127.0.0.1' },
    });
    const { events } = await running.control<{ events: { event: string; detail: string }[] }>(
      `mailbox/${other}.json`,
    );
    expect(events.find(({ event }) => event === 'Opened')?.detail).toBe('from 203.0.113.7');
  });

  test('is off unless asked for: the header of the proxy is needed', async () => {
    await using strict = await startTestPostal({ tracking: {} });
    const { token } = await strict.sendOne('bob@b.rcpt.test');
    const path = `/img/${strict.postal.serverToken}/${token}`;
    expect((await askSurely(strict.postal.url, { path })).status).toBe(403);
    expect(
      (await askSurely(strict.postal.url, { path, headers: { 'x-postal-track-host': '1' } })).status,
    ).toBe(200);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hashPassword } from '../../../src/domain/password.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { Submission } from '../../../src/domain/submission.ts';
import { encodeSubmission } from '../../../src/domain/submission-codec.ts';
import { findMessage } from '../../../src/store/message-views.ts';
import {
  disableSmtpCredential,
  enableSmtpCredential,
  insertSmtpCredential,
} from '../../../src/store/smtp-credentials.ts';
import { submission } from '../../store/submissions.ts';
import { type ApiUnderTest, countOf, internalToken, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_INTERNAL_MAX_BODY_BYTES: '4MB' });
});
afterAll(() => api[Symbol.asyncDispose]());

function frame(octets: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(octets.length);
  return Buffer.concat([length, octets]);
}

function batch(...submissions: readonly Submission[]): Buffer {
  return Buffer.concat(submissions.map((one) => frame(encodeSubmission(one))));
}

async function ask(path: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(`${api.internal}/internal/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${internalToken}`, ...headers },
    body,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function ship(body: Uint8Array, headers: Record<string, string> = {}) {
  return ask('submissions', body, { 'content-type': 'application/vnd.mailctl.submissions', ...headers });
}

describe("the relay's batch", () => {
  it('is stored with one verdict each, in its order', async () => {
    const three = [submission(), submission(), submission()];
    const answer = await ship(batch(...three));
    expect(answer).toEqual({
      status: 200,
      body: { results: three.map(({ id }) => ({ id, verdict: 'stored' })) },
    });
    expect(await findMessage(api.db, three[2]?.id ?? '')).toMatchObject({ subject: 'Hi', source: 'smtp' });
  });

  it('shipped twice is stored once, and both times said to be stored', async () => {
    const one = submission();
    await ship(batch(one));
    const before = await countOf(api.db, 'messages');
    expect((await ship(batch(one, one))).body).toEqual({
      results: [
        { id: one.id, verdict: 'stored' },
        { id: one.id, verdict: 'stored' },
      ],
    });
    expect(await countOf(api.db, 'messages')).toBe(before);
  });

  it('sent again by a client that lost our answer is an alias of the first, whatever relay it came by', async () => {
    const dedupe = { key: '<a@acme.test>', digest: Buffer.alloc(32, 7) };
    const [first, again] = [submission({ dedupe }), submission({ dedupe })];
    await ship(batch(first));
    expect((await ship(batch(again))).body).toEqual({
      results: [{ id: again.id, verdict: 'alias', of: first.id }],
    });
    expect(await countOf(api.db, `recipients where message_id = '${again.id}'`)).toBe(0);
    expect(await findMessage(api.db, again.id)).toMatchObject({ id: first.id });
  });

  it('loses only the items that cannot be read', async () => {
    const [good, cut] = [submission(), submission()];
    const octets = encodeSubmission(cut);
    const { body } = await ship(
      Buffer.concat([frame(Buffer.from('nonsense')), batch(good), frame(octets.subarray(0, -1))]),
    );
    expect(body).toMatchObject({
      results: [
        { id: 'unknown', verdict: 'refused' },
        { id: good.id, verdict: 'stored' },
        { id: cut.id, verdict: 'refused' },
      ],
    });
    expect(await findMessage(api.db, cut.id)).toBeUndefined();
  });

  it('loses only the items that PostgreSQL cannot store', async () => {
    const nul = submission({ envelope: { mailFrom: 'a\u0000@b.test', rcptTo: ['x@y.test'] } });
    const nobody = submission({ envelope: { mailFrom: '', rcptTo: [] } });
    const unstorable = submission({
      raw: Buffer.from('Message-ID: <a\u0000b>\r\nSubject: a\u0000b\r\n\r\n'),
    });
    const { body } = await ship(batch(nul, submission(), nobody, unstorable));
    expect(body).toMatchObject({
      results: [{ verdict: 'refused' }, { verdict: 'stored' }, { verdict: 'refused' }, { verdict: 'stored' }],
    });
  });

  it('tries each item alone when the database refuses the batch for its data', async () => {
    await api.db.query(`alter table messages add constraint no_spam check (subject <> 'spam')`);
    const spam = submission({ raw: Buffer.from('Subject: spam\r\n\r\n') });
    const [one, other] = [submission(), submission()];
    const { body } = await ship(batch(one, spam, other));
    await api.db.query('alter table messages drop constraint no_spam');
    expect(body).toMatchObject({
      results: [{ verdict: 'stored' }, { id: spam.id, verdict: 'refused' }, { verdict: 'stored' }],
    });
    expect(await findMessage(api.db, other.id)).toBeDefined();
  });

  it.each([
    ['ends in the middle of a length', Buffer.from([0, 0])],
    ['ends in the middle of a frame', Buffer.concat([batch(submission()), Buffer.from([0, 0, 0, 9, 1])])],
    ['claims four gigabytes', Buffer.from([255, 255, 255, 255, 1])],
  ])('is refused whole when it %s', async (_, octets) => {
    const before = await countOf(api.db, 'messages');
    expect(await ship(octets)).toMatchObject({ status: 400, body: { code: 'invalid-frames' } });
    expect(await countOf(api.db, 'messages')).toBe(before);
  });

  it('may be empty', async () => {
    expect(await ship(Buffer.alloc(0))).toEqual({ status: 200, body: { results: [] } });
  });

  it('is refused when it is too large, has another type or a wrong token', async () => {
    const before = await countOf(api.db, 'messages');
    expect(await ship(Buffer.alloc(5_000_000))).toMatchObject({ status: 413 });
    const octets = batch(submission());
    expect(await ship(octets, { 'content-type': 'application/octet-stream' })).toMatchObject({ status: 415 });
    expect(await ship(octets, { authorization: 'Bearer wrong' })).toMatchObject({
      status: 401,
      body: { code: 'token-wrong' },
    });
    expect(await ship(octets, { authorization: '' })).toMatchObject({ status: 401 });
    expect(await countOf(api.db, 'messages')).toBe(before);
  });
});

describe("the relay's question about a user", () => {
  const json = { 'content-type': 'application/json' };
  const login = (username: string, password: string) =>
    ask('smtp-auth', JSON.stringify({ username, password }), json);

  beforeAll(async () => {
    const passwordHash = await hashPassword(new Secret('right'), Buffer.alloc(16));
    const senderDomains = ['acme.test'];
    await insertSmtpCredential(api.db, { id: 'usr_1', username: 'ams', passwordHash, senderDomains });
    await insertSmtpCredential(api.db, { id: 'usr_2', username: 'gone', passwordHash, senderDomains });
    await api.db.change(`update smtp_credentials set disabled_at = now() where username = 'gone'`);
  });

  it('is answered with who it is and what it may send from', async () => {
    expect(await login('ams', 'right')).toEqual({
      status: 200,
      body: {
        outcome: 'accepted',
        credential: { id: 'usr_1', username: 'ams', senderDomains: ['acme.test'] },
      },
    });
  });

  it('is answered with what bounds it, and what was stored of its mail today, once each', async () => {
    const passwordHash = await hashPassword(new Secret('right'), Buffer.alloc(16));
    const bounds = { networks: ['192.0.2.0/24'], rate: { messages: 5, periodMs: 1000 }, dailyLimit: 9 };
    await insertSmtpCredential(api.db, {
      id: 'usr_9',
      username: 'kept',
      passwordHash,
      senderDomains: [],
      ...bounds,
    });
    const credential = async () => (await login('kept', 'right')).body['credential'];
    const { dailyLimit: limit, ...rest } = bounds;
    const at = expect.stringMatching(/^\d{4}-/);
    expect(await credential()).toEqual({
      id: 'usr_9',
      username: 'kept',
      senderDomains: [],
      ...rest,
      daily: { limit, sent: 0, at },
    });
    const mine = { credentialId: 'usr_9', receivedAt: new Date() };
    const three = [submission(mine), submission(mine), submission({ ...mine, credentialId: 'usr_other' })];
    await ship(batch(...three));
    await ship(batch(...three, submission({ ...mine, receivedAt: new Date('2026-03-01T12:00:00Z') })));
    expect(await credential()).toMatchObject({ daily: { limit, sent: 2, at } });
    await api.db.change(`update smtp_credentials set sent_day = sent_day - 1 where username = 'kept'`);
    expect(await credential()).toMatchObject({ daily: { limit, sent: 0, at } });
  });

  it('is counted with its mail or not at all: what could not be counted is not stored, and is taken once when it can', async () => {
    const passwordHash = await hashPassword(new Secret('right'), Buffer.alloc(16));
    await insertSmtpCredential(api.db, {
      id: 'usr_10',
      username: 'counted',
      passwordHash,
      senderDomains: [],
      dailyLimit: 9,
    });
    const two = [1, 2].map(() => submission({ credentialId: 'usr_10', receivedAt: new Date() }));
    const stored = () => countOf(api.db, `messages where credential_id = 'usr_10'`);
    await api.db.query(`create function fail() returns trigger language plpgsql as
      $$ begin raise exception 'no room' using errcode = '53100'; end $$`);
    await api.db.query('create trigger fail before update on smtp_credentials execute function fail()');
    expect((await ship(batch(...two))).status).toBe(503);
    expect(await stored()).toBe(0);
    await api.db.query('drop trigger fail on smtp_credentials');
    await Promise.all([ship(batch(...two)), ship(batch(...two))]);
    expect(await stored()).toBe(2);
    expect((await login('counted', 'right')).body['credential']).toMatchObject({ daily: { sent: 2 } });
  });

  it('is no matter for mail that was accepted before the user was disabled, unless its mail is to be held', async () => {
    const passwordHash = '$scrypt$';
    await insertSmtpCredential(api.db, { id: 'usr_8', username: 'stopped', passwordHash, senderDomains: [] });
    const states = async (id: string) =>
      (await api.db.query<{ state: string }>('select state from recipients where message_id = $1', [id])).map(
        ({ state }) => state,
      );
    const mail = () =>
      submission({
        credentialId: 'usr_8',
        envelope: { mailFrom: 'a@acme.test', rcptTo: ['ann@example.com', 'bob@example.com'] },
      });
    const [first, second, other, third] = [mail(), mail(), submission(), mail()];
    await disableSmtpCredential(api.db, 'usr_8', { at: new Date(), holdsMail: false });
    await ship(batch(first));
    await disableSmtpCredential(api.db, 'usr_8', { at: new Date(), holdsMail: true });
    expect(await ship(batch(second, other))).toMatchObject({ status: 200 });
    await enableSmtpCredential(api.db, 'usr_8');
    await ship(batch(third, second));
    expect(await Promise.all([first, second, other, third].map(({ id }) => states(id)))).toEqual([
      ['queued', 'queued'],
      ['held', 'held'],
      ['queued'],
      ['queued', 'queued'],
    ]);
    expect(await countOf(api.db, `events where message_id = '${second.id}' and kind = 'held'`)).toBe(2);
  });

  it('has the limit of the platform where the user has none of its own', async () => {
    await using limited = await runningApi({ DAILY_LIMIT: '2' });
    const passwordHash = await hashPassword(new Secret('right'), Buffer.alloc(16));
    await insertSmtpCredential(limited.db, { id: 'usr_1', username: 'ams', passwordHash, senderDomains: [] });
    const post = async (path: string, body: string | Uint8Array, type: string) => {
      const headers = { authorization: `Bearer ${internalToken}`, 'content-type': type };
      return (
        await fetch(`${limited.internal}/internal/v1/${path}`, { method: 'POST', headers, body })
      ).json();
    };
    const mine = submission({ credentialId: 'usr_1', receivedAt: new Date() });
    await post('submissions', batch(mine), 'application/vnd.mailctl.submissions');
    const question = JSON.stringify({ username: 'ams', password: 'right' });
    expect(await post('smtp-auth', question, 'application/json')).toMatchObject({
      credential: { daily: { limit: 2, sent: 1 } },
    });
  });

  it('is answered alike for a wrong password, an unknown and a disabled user', async () => {
    const answers = [
      await login('ams', 'wrong'),
      await login('nobody', 'right'),
      await login('gone', 'right'),
    ];
    for (const answer of answers) expect(answer).toEqual({ status: 200, body: { outcome: 'refused' } });
  });

  it('does the same work for an unknown user as for a known one', async () => {
    const workOf = async (username: string): Promise<number> => {
      const before = process.cpuUsage();
      await login(username, 'wrong');
      return process.cpuUsage(before).user;
    };
    const work: { known: number; unknown: number }[] = [];
    for (let turn = 0; turn < 5; turn += 1)
      work.push({ known: await workOf('ams'), unknown: await workOf('nobody') });
    const least = (name: 'known' | 'unknown') => Math.min(...work.map((turn) => turn[name]));
    expect(least('unknown')).toBeGreaterThan(least('known') / 3);
    expect(least('unknown')).toBeLessThan(least('known') * 3);
  });

  it('is refused when it is no question, and shows no password', async () => {
    const wrong = await ask('smtp-auth', JSON.stringify({ username: 'ams', password: 7 }), json);
    expect(wrong).toMatchObject({ status: 422, body: { field: 'password' } });
    expect(await ask('smtp-auth', '{"username":"\\u0000","password":"hidden-word"}', json)).toMatchObject({
      status: 422,
    });
    expect(api.lines.join('\n')).not.toMatch(/hidden-word|"right"/);
  });
});

it('serves nothing of the public api on the internal listener, and the reverse', async () => {
  const internal = await fetch(`${api.internal}/v1/health`, {
    headers: { authorization: `Bearer ${internalToken}` },
  });
  expect(internal.status).toBe(404);
  const open = await fetch(`${api.url}/internal/v1/submissions`, { method: 'POST' });
  expect(open.status).toBe(404);
});

import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { mariadbAt } from '../../src/adapters/mariadb.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { hashPassword } from '../../src/domain/password.ts';
import { Secret } from '../../src/domain/secret.ts';
import { insertSmtpCredential } from '../../src/store/smtp-credentials.ts';
import { postalDatabases, type TestPostal } from '../engines/postal-databases.ts';
import { ann, relayEnvironment } from '../services/relay/running-door.ts';
import { figure, logIn, runRelay, submit } from '../services/relay/running-relay.ts';
import { type ApiUnderTest, call, runningApi } from './api/running-api.ts';
import { openRig, type Rig } from './worker/rig.ts';

let postal: TestPostal;
let rig: Rig;
let api: ApiUnderTest;
/** Where the worker finds Postal's MariaDB; a test may take it away. */
let host: string;

const { API_INTERNAL_TOKEN = '' } = relayEnvironment('');

beforeAll(async () => {
  postal = await postalDatabases();
  rig = await openRig();
  api = await runningApi({ API_INTERNAL_TOKEN, POSTAL_DOMAINS_WAIT: '1m', POSTAL_DOMAINS_INTERVAL: '50ms' });
  host = postal.reader.host;
  const passwordHash = await hashPassword(new Secret(ann.password), systemRandom.bytes(16));
  const user = { id: 'usr_ann' as const, username: ann.username, passwordHash, senderDomains: [] };
  await insertSmtpCredential(api.db, user);
  await postal.run('insert into servers (id, organization_id) values (7, 3), (8, 4)');
  await rig.work(
    {
      POSTAL_DB_NAME: postal.names.main,
      POSTAL_DB_MESSAGE_PREFIX: postal.names.messagePrefix,
      POSTAL_DOMAINS_INTERVAL: '1h',
    },
    {
      db: api.db,
      postalDatabase: { session: (work) => mariadbAt({ ...postal.reader, host }).session(work) },
    },
  );
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await postal[Symbol.asyncDispose]();
});

/** Has the worker look now, and the api know what it saw. */
async function look(): Promise<unknown> {
  const response = await fetch(`${api.internal}/internal/v1/sender-domains`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_INTERNAL_TOKEN}`, 'content-type': 'application/json' },
    body: '{"anew":true}',
  });
  return response.json();
}

/** Domains of our mail server, of its organization, of another one's, and one that waits for its proof. */
beforeEach(async () => {
  host = postal.reader.host;
  await postal.run('delete from domains');
  await postal.run(
    `insert into domains (name, owner_type, owner_id, verified_at) values ('Acme.test', 'Server', 7, now()),
       ('org.test', 'Organization', 3, now()), ('foreign.test', 'Server', 8, now()), ('waiting.test', 'Server', 7, null)`,
  );
  const domains = { names: ['acme.test', 'org.test'], any: false, sender_suffices: false };
  await expect.poll(look, { timeout: 20_000 }).toMatchObject({ domains, is_new: true });
});

const verify = (domain: string) =>
  postal.run('update domains set verified_at = now() where name = ?', [domain]);

/** Another api process over the same database. */
async function anotherApi(variables: Readonly<Record<string, string>>): Promise<ApiUnderTest> {
  const other = await runningApi({ API_INTERNAL_TOKEN, ...variables }, { db: api.db });
  onTestFinished(() => other[Symbol.asyncDispose]());
  return { ...other, key: api.key };
}

/** A relay before that api, which knows already what the api knows, and a client in it. */
async function sendOver({ internal }: ApiUnderTest, variables: Readonly<Record<string, string>> = {}) {
  const { address } = await runRelay({
    API_INTERNAL_URL: internal,
    API_INTERNAL_TIMEOUT: '1m',
    POSTAL_DOMAINS_INTERVAL: '50ms',
    POSTAL_DOMAINS_STALE_TTL: '1h',
    ...variables,
  });
  const age = () => figure(address('health'), 'mailctl_relay_sender_domains_age_seconds{service="relay"}');
  await expect.poll(age, { timeout: 20_000 }).toEqual(expect.any(Number));
  const client = await logIn(address('private'));
  onTestFinished(() => void client.socket.destroy());
  return (domain: string) => submit(client, `From: ann@${domain}\r\n\r\nHello\r\n`);
}

function post(to: Pick<ApiUnderTest, 'url' | 'key'>, domain: string, headers: Record<string, string> = {}) {
  const body = { from: `ann@${domain}`, to: 'bob@example.org', text: 'Hello' };
  return call(to, 'POST', '/v1/messages', { body, headers });
}

const words = (domain: string) => `From and Sender must be on a domain verified in Postal, ${domain} is not`;
const later = (domain: string) => `Cannot tell now whether Postal has verified ${domain}, try again later`;

describe('a sender', () => {
  it("of a domain that Postal has verified for our mail server or its organization is taken, another's refused in the same words by relay and api", async () => {
    const send = await sendOver(api);

    expect(await send('acme.test')).toMatch(/^250 /);
    expect(await send('org.test')).toMatch(/^250 /);
    expect(await send('foreign.test')).toBe(`550 5.7.1 ${words('foreign.test')}\r\n`);
    expect(await send('mail.acme.test')).toBe(`550 5.7.1 ${words('mail.acme.test')}\r\n`);
    expect(await post(api, 'ORG.test')).toMatchObject({ status: 202 });
    expect(await post(api, 'waiting.test')).toMatchObject({
      status: 422,
      body: { code: 'sender-unverified', field: 'from', detail: words('waiting.test'), retryable: false },
    });
  });

  it('of a domain that was verified a moment ago is taken at the first try', async () => {
    const send = await sendOver(api);
    expect(await send('waiting.test')).toMatch(/^550 5\.7\.1 /);
    await verify('waiting.test');
    expect(await send('waiting.test')).toMatch(/^250 /);

    await postal.run("insert into domains (name, owner_type, owner_id) values ('late.test', 'Server', 7)");
    expect(await post(api, 'late.test')).toMatchObject({ status: 422 });
    await verify('late.test');
    expect(await post(api, 'late.test')).toMatchObject({ status: 202 });
  });

  it('of any domain is taken where a verified domain of the mail server answers for all', async () => {
    await postal.run("update domains set use_for_any = 1 where name = 'org.test'");
    expect(await post(api, 'one.test')).toMatchObject({ status: 422 });
    await postal.run("update domains set use_for_any = 1 where name = 'Acme.test'");
    expect(await post(api, 'one.test')).toMatchObject({ status: 202 });
  });

  it('is refused alone in a batch, and what was accepted under a name is answered again after its domain was taken away', async () => {
    const once = { 'idempotency-key': 'before' };
    const first = await post(api, 'acme.test', once);
    await postal.run("delete from domains where name = 'Acme.test'");
    await look();

    expect(await post(api, 'acme.test', once)).toMatchObject({ status: 202, body: first.body });
    const messages = ['acme.test', 'org.test', 'gone.test'].map((domain) => ({
      from: `ann@${domain}`,
      to: 'bob@example.org',
      text: 'Hello',
    }));
    expect(await call(api, 'POST', '/v1/messages/batch', { body: { messages } })).toMatchObject({
      status: 202,
      body: {
        results: [
          { outcome: 'refused', problem: { code: 'sender-unverified', detail: words('acme.test') } },
          { outcome: 'accepted' },
          { outcome: 'refused', problem: { code: 'sender-unverified', detail: words('gone.test') } },
        ],
      },
    });
  });
});

describe("while Postal's database is away", () => {
  it('a verified sender is taken and another put off, until what is known is too old to refuse anybody', async () => {
    host = '/nowhere/mariadb.sock';
    const impatient = await anotherApi({ POSTAL_DOMAINS_WAIT: '100ms' });
    const send = await sendOver(impatient);

    expect(await send('acme.test')).toMatch(/^250 /);
    expect(await send('other.test')).toBe(`451 4.7.1 ${later('other.test')}\r\n`);
    expect(await post(impatient, 'acme.test')).toMatchObject({ status: 202 });
    expect(await post(impatient, 'other.test')).toMatchObject({
      status: 503,
      body: { code: 'unavailable', detail: later('other.test'), retryable: true },
    });

    const forgetful = await anotherApi({ POSTAL_DOMAINS_WAIT: '100ms', POSTAL_DOMAINS_STALE_TTL: '1ms' });
    expect(await post(forgetful, 'other.test')).toMatchObject({ status: 202 });
  });
});

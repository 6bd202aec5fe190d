import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { run } from '../../../src/cli/run.ts';
import { sendingRecords } from '../../../src/operations/domains/show.ts';
import { openPostalOffice } from '../../../src/operations/postal/office.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { envText, goodSecret } from '../../config/valid-sources.ts';
import type { Provisioned, RegistryShelf } from '../../../src/postal-stand-in/registry.ts';
import { type Served, startNameServer } from '../../dns/name-server.ts';
import { fakeTerminal } from '../../fakes/terminal.ts';
import { askSurely } from '../../postal-stand-in/http-client.ts';
import { startTestPostal, type TestPostal } from '../../postal-stand-in/stand-in.ts';

/** What `docker compose exec -T postal-web bundle exec rails runner -` is on a host with Docker. */
const runner = `
const outgoing = require('node:http').request(process.argv[2], { method: 'POST', headers: { 'content-type': 'application/x-ruby' } }, (reply) => {
  process.stdout.write('Loading config\\n');
  reply.pipe(process.stdout);
});
process.stdin.pipe(outgoing);
`;

interface Made {
  readonly registry: Provisioned;
  readonly keys: Readonly<Record<string, string>>;
}

let folder: ReturnType<typeof temporaryFolder>;
let postal: TestPostal;
/** What one `postal apply` made: tests begin with it, as starting a program for each step takes long. */
let made: Made | undefined;

beforeAll(async () => {
  let held: Provisioned | undefined;
  await open({ load: async () => undefined, save: async (provisioned) => void (held = provisioned) });
  await mailctl('postal', 'apply');
  if (!held) throw new Error('nothing was provisioned');
  made = { registry: held, keys: keysOf(held) };
  await close();
});
beforeEach(() => open({ load: async () => structuredClone(made?.registry), save: async () => undefined }));
afterEach(close);

async function open(registry: RegistryShelf) {
  folder = temporaryFolder();
  postal = await startTestPostal({ apiKeys: [], domains: [], webHostname: 'postal.example.com', registry });
  await writeFile(join(folder.path, 'runner.cjs'), runner);
  await mkdir(join(folder.path, 'secrets'));
  await configure({ ...made?.keys });
}

/** A Postal of which nothing is known. */
async function beginAnew() {
  await close();
  await open({ load: async () => undefined, save: async () => undefined });
  await configure({});
}

async function close() {
  folder[Symbol.dispose]();
  await postal[Symbol.asyncDispose]();
}

function keysOf({ credentials }: Provisioned): Readonly<Record<string, string>> {
  const key = (wanted: string) => credentials.find(({ type }) => type === wanted)?.key ?? '';
  return { POSTAL_API_KEY: key('API'), POSTAL_SMTP_CREDENTIAL: key('SMTP') };
}

async function configure(changes: Readonly<Record<string, string>>) {
  const runnerCommand = `${process.execPath} runner.cjs ${postal.postal.url}/_stand-in/runner`;
  const path = join(folder.path, '.env');
  await writeFile(path, envText({ POSTAL_RUNNER: `'${runnerCommand}'`, ...changes }));
  await chmod(path, 0o600);
}

async function mailctl(...argv: string[]) {
  const terminal = fakeTerminal({ cwd: folder.path });
  const exit = await run([...argv, '--json'], terminal, new AbortController().signal);
  return { exit, text: terminal.out() + terminal.err(), ...JSON.parse(terminal.out()) };
}

async function asText(...argv: string[]) {
  const terminal = fakeTerminal({ cwd: folder.path });
  await run(argv, terminal, new AbortController().signal);
  return terminal.out();
}

const readEnv = () => readFile(join(folder.path, '.env'), 'utf8');

describe('postal apply', () => {
  it('makes everything the first time, writes the keys into .env and the password into a file of its own', async () => {
    await beginAnew();
    const drifted = await mailctl('postal', 'drift');
    const { data, text } = await mailctl('postal', 'apply');
    const password = (await readFile(join(folder.path, 'secrets/postal-admin-password'), 'utf8')).trim();
    const env = await readEnv();
    const key = /^POSTAL_API_KEY=(\w{24})$/m.exec(env)?.[1];

    expect(drifted.data.drift).toContainEqual(
      expect.objectContaining({ what: 'mail server outbound', kind: 'missing' }),
    );
    expect(data).toMatchObject({
      written: ['POSTAL_API_KEY', 'POSTAL_SMTP_CREDENTIAL'],
      administrator: { email: 'ops@example.com', url: 'https://postal.example.com' },
    });
    expect(data.changed).toContain('route e2e-probe@example.com');
    expect((await stat(join(folder.path, 'secrets/postal-admin-password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder.path, '.env'))).mode & 0o777).toBe(0o600);
    for (const secret of [password, key ?? 'no key', goodSecret]) {
      expect(text).not.toContain(secret);
      expect(JSON.stringify(drifted)).not.toContain(secret);
    }
  });

  it('changes nothing the second time, and no octet of .env', async () => {
    const before = await readEnv();

    const { data } = await mailctl('postal', 'apply');

    expect(data).toMatchObject({ plan: { steps: [] }, changed: [], written: [] });
    expect((await mailctl('postal', 'drift')).data.drift).toEqual([]);
    expect(await readEnv()).toBe(before);
  });

  it('tells what differs after the configuration changed, and mends that alone', async () => {
    await configure({ ...made?.keys, POSTAL_RAW_RETENTION_DAYS: '9' });

    expect((await mailctl('postal', 'drift')).data.drift).toEqual([
      {
        what: 'mail server outbound: raw_message_retention_days',
        kind: 'different',
        expected: '9',
        seen: '30',
      },
    ]);
    expect((await mailctl('postal', 'apply')).data.changed).toEqual(['mail server outbound']);
  });

  it('writes a key that Postal takes', async () => {
    const send = {
      rcpt_to: ['bob@b.test'],
      mail_from: 'a@example.com',
      data: btoa('From: a@example.com\r\n\r\nHi'),
    };
    const answer = await askSurely(postal.postal.url, {
      method: 'POST',
      path: '/api/v1/send/raw',
      headers: {
        host: 'postal.example.com',
        'content-type': 'application/json',
        'x-server-api-key': made?.keys['POSTAL_API_KEY'] ?? '',
      },
      body: JSON.stringify(send),
    });

    expect(answer.text).toContain('"status":"success"');
  });

  it.each([
    ['{', 'is no JSON', 'POSTAL_PROVISION_FILE'],
    ['{"servers":{}}', 'Unrecognized key', ''],
    ['{"server":{"permalink":"Has Space"}}', 'server.permalink', 'server.permalink'],
    ['{"domains":[{"name":"nodot"}]}', 'domains[0].name', 'domains[0].name'],
    ['{"credentials":[{"type":"SMTP-IP","name":"x"}]}', 'credentials[0].type', 'credentials[0].type'],
  ])('refuses the declarative file %s and names the field', async (content, words, field) => {
    await writeFile(join(folder.path, 'postal.json'), content);

    const { exit, error } = await mailctl('postal', 'apply');

    expect(exit).toBe(10);
    expect(error.message).toContain(words);
    expect(error.field).toBe(field);
  });

  it.each([
    ['a program that is not there', 'no-such-program -', 'no-such-program cannot be run'],
    ['a program that says nothing', 'true', 'Postal gave no answer'],
    ['a program that fails', `${process.execPath} missing.mjs`, 'Postal gave no answer'],
  ])('says that Postal cannot be reached through %s', async (_, command, words) => {
    await configure({ POSTAL_RUNNER: `'${command}'`, POSTAL_API_KEY: '' });

    const { exit, error } = await mailctl('postal', 'apply');

    expect(exit).toBe(13);
    expect(error.message).toContain(words);
    expect(await readEnv()).not.toMatch(/^POSTAL_API_KEY=\w/m);
  });

  it('does not overwrite a key that comes from elsewhere than .env', async () => {
    const terminal = fakeTerminal({
      cwd: folder.path,
      environment: { POSTAL_API_KEY: 'abcdEFGH1234ijklMNOP5678' },
    });

    expect(await run(['postal', 'apply'], terminal, new AbortController().signal)).toBe(21);
    expect(terminal.err()).toContain('comes from the environment');
  });
});

describe('the office for rotations', () => {
  it('makes a second credential, moves the webhook, and has the second take the place and name of the first', async () => {
    await using world = openRuntime({ dir: folder.path, environment: {}, uid: process.getuid?.() });
    const office = await openPostalOffice(world);

    const made = await office.createCredential({ type: 'API', name: 'next' });
    const before = await office.credentials();
    const first = before.find(({ type, name }) => type === 'API' && name === 'mailctl')?.id ?? 0;
    await expect(office.retireCredentials([first], { id: -1, name: 'mailctl' })).rejects.toMatchObject({
      code: 'refused',
    });
    for (let turn = 0; turn < 2; turn += 1)
      await office.retireCredentials([first, made.id], { id: made.id, name: 'mailctl' });
    await office.setWebhookToken('another-token');

    expect(before).toContainEqual(made);
    expect((await office.credentials()).map(({ type, name }) => `${type} ${name}`)).toEqual([
      'SMTP mailctl',
      'API mailctl',
    ]);
    expect(await office.credentials()).toContainEqual({ ...made, name: 'mailctl' });
    expect(await office.queuedWebhooksTo('another-token')).toBe(0);
    expect(JSON.stringify((await mailctl('postal', 'drift')).data.drift)).toContain('webhook mailctl: url');
  });
});

describe('domains', () => {
  it('adds a domain in one command, and takes it out again', async () => {
    const { data } = await mailctl('domains', 'add', 'Shop.Test');

    expect(data).toMatchObject({ domain: 'shop.test', changed: ['domain shop.test'] });
    expect((await mailctl('domains', 'list')).data.domains).toMatchObject([
      { name: 'example.com', ok: true },
      { name: 'shop.test', ok: true },
    ]);
    expect((await mailctl('domains', 'add', 'shop.test')).data.plan.steps).toEqual([]);
    expect((await mailctl('domains', 'remove', 'shop.test')).exit).toBe(21);
    expect((await mailctl('domains', 'remove', 'shop.test', '--yes')).data.changed).toEqual([
      'domain shop.test',
    ]);
    expect((await mailctl('domains', 'list')).data.domains).toHaveLength(1);
    expect((await mailctl('domains', 'remove', 'example.com', '--yes')).error.message).toContain('last');
  });

  it('prints every record as a zone file that names what each is for', async () => {
    const zone = await asText('domains', 'records', 'example.com', '--format', 'bind');

    expect(zone).toContain('psrp.example.com. IN CNAME rp.postal.example.com.');
    expect(zone).toContain('click.example.com. IN CNAME track.postal.example.com.');
    expect(zone).toMatch(/postal-\w{6}\._domainkey\.example\.com\. IN TXT "v=DKIM1;/);
    expect(zone).toContain('"v=spf1 a mx include:spf.postal.example.com ~all"');
  });

  it('prints every record as a table, one a line, with the hosts of the platform above', async () => {
    const table = await asText('domains', 'records', '--format', 'table');

    expect(table).toMatch(/^postal\.example\.com$/m);
    expect(table).toMatch(/^ {2}MX {4}rp\.postal\.example\.com {2}10 postal\.example\.com$/m);
    expect(table).toMatch(/^ {2}CNAME psrp\.example\.com {2}rp\.postal\.example\.com$/m);
    expect(table).not.toContain(' IN ');
  });

  it("gives a name server the platform's records and those of every domain", async () => {
    await using world = openRuntime({ dir: folder.path, environment: {}, uid: process.getuid?.() });

    const names = (await sendingRecords(world)).map(({ type, name }) => `${type} ${name}`);

    expect(names).toContain('MX rp.postal.example.com');
    expect(names).toContain('CNAME click.example.com');
  });

  it("finds right what the domain's own name server has, and names what is missing", async () => {
    const { data } = await mailctl('domains', 'records', 'example.com');
    const records: Served[] = data.domains[0].records.map(
      ({ type, name, expected }: { type: Served['type']; name: string; expected: string }) => ({
        type,
        name,
        value: expected,
      }),
    );
    await using own = await startNameServer(records);
    await using resolver = await startNameServer([
      { type: 'NS', name: 'example.com', value: 'ns.example.com' },
      { type: 'A', name: 'ns.example.com', value: '127.0.0.1' },
    ]);
    await configure({
      DNS_RESOLVER: `127.0.0.1:${resolver.port}`,
      DNS_PORT: `${own.port}`,
      ...made?.keys,
    });

    const right = await mailctl('domains', 'check', 'example.com');
    own.records = records.filter(({ name }) => name !== 'click.example.com');
    const wrong = await mailctl('domains', 'check', 'example.com');

    expect(right.data.domains[0].records.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
    expect(right).toMatchObject({ exit: 0, data: { domains: [{ name: 'example.com', ok: true }] } });
    expect(wrong.exit).toBe(20);
    expect(wrong.data.domains[0].records.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([
      { type: 'CNAME', name: 'click.example.com', seen: 'nothing' },
    ]);
  });
});

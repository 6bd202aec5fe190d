import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fakeTerminal, runInProcess } from '../fakes/terminal.ts';
import { run } from '../../src/cli/run.ts';
import { temporaryFolder } from './folders.ts';

const said = ['--domain', 'example.com', '--admin-email', 'ops@example.com'];

function init(dir: string, ...flags: readonly string[]) {
  return runInProcess(['-C', dir, 'init', ...flags]);
}

/** Making an RSA key takes long, so one folder is made once and copied. */
const template = temporaryFolder();
beforeAll(async () => {
  await init(template.path, ...said);
});
afterAll(() => template[Symbol.dispose]());

function initialised() {
  const folder = temporaryFolder();
  cpSync(template.path, folder.path, { recursive: true });
  return folder;
}

/** Every file below a folder, with its bytes and mode; without lock and history, which every act writes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('state/'))
    .toSorted();
  return Object.fromEntries(
    names.map((name) => {
      const found = statSync(join(dir, name));
      const mode = (found.mode & 0o777).toString(8);
      return [name, found.isFile() ? `${mode} ${readFileSync(join(dir, name), 'utf8')}` : mode];
    }),
  );
}

function valueOf(dir: string, name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(readFileSync(join(dir, '.env'), 'utf8'))?.[1] ?? '';
}

describe('init with flags', () => {
  it('writes a folder that only its owner can read, and says what to do next', async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, 'new', 'deep');
    const { exit, out, err } = await init(dir, '--no-input', ...said);
    const modes = Object.entries(contents(dir)).map(([name, text]) => `${name} ${text.split(' ')[0]}`);

    expect(exit).toBe(0);
    expect(modes).toEqual([
      '.env 600',
      'backups 700',
      'secrets 700',
      'secrets/postal-signing.key 600',
      'secrets/postal-signing.pub 600',
      'state 700',
    ]);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(out).toMatch(/is ready\n[\s\S]*Next:\n[\s\S]*mailctl config check/);
    expect(err).toMatch(/✔ write \.env \(0600\)/);
  });

  it('tells of no step with --quiet, and still what it made', async () => {
    using folder = initialised();
    rmSync(join(folder.path, 'state'), { recursive: true });
    const { exit, out, err } = await init(folder.path, '--quiet');
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toContain('Next:');
  });

  it('reports with --json what it made, without a secret', async () => {
    using folder = temporaryFolder();
    const { out } = await init(folder.path, '--json', ...said);
    const { data, ok, schema } = JSON.parse(out);
    const secrets = [
      'POSTGRES_PASSWORD',
      'API_INTERNAL_TOKEN',
      'WEBHOOK_SEALING_KEY',
      'POSTAL_WEBHOOK_TOKEN',
    ];

    expect({ ok, schema }).toEqual({ ok: true, schema: 'mailctl/init/v1' });
    expect(Object.keys(data).toSorted()).toEqual([
      'added',
      'applied',
      'dir',
      'files',
      'kept',
      'next',
      'plan',
    ]);
    expect(data.files).toEqual([
      { path: '.env', action: 'created', mode: '0600' },
      { path: 'secrets/postal-signing.pub', action: 'created', mode: '0600' },
      { path: 'secrets/postal-signing.key', action: 'created', mode: '0600' },
    ]);
    expect(data.added).toEqual(expect.arrayContaining(secrets));
    expect(data.kept).toEqual([]);
    for (const name of secrets) {
      expect(valueOf(folder.path, name)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(out).not.toContain(valueOf(folder.path, name));
    }
  });

  it('leaves nothing that config check would ask for', async () => {
    using folder = initialised();
    const { out } = await runInProcess(['-C', folder.path, 'config', 'check', '--json']);
    expect(JSON.parse(out).data.problems.map(({ name }: { name: string }) => name)).toEqual([]);
  });

  it('writes nothing with --dry-run, and says all it would do', async () => {
    using folder = temporaryFolder();
    const text = await init(join(folder.path, 'new'), '--dry-run', ...said);
    const json = await init(join(folder.path, 'new'), '--dry-run', '--json', ...said);
    const { plan, applied } = JSON.parse(json.out).data;

    expect(readdirSync(folder.path)).toEqual([]);
    expect(text).toMatchObject({ exit: 0, err: '' });
    expect(text.out).toMatch(/^Write a new configuration into .*\n {2}make the folder \. \(0700\)/);
    expect(applied).toBe(false);
    expect(plan.steps.at(-1)).toEqual({ do: 'write', what: 'write .env (0600)' });
  });

  it.each(['acme', 'files', 'off'])('makes a configuration that holds with --tls %s', async (tls) => {
    using folder = temporaryFolder();
    await init(folder.path, ...said, '--tls', tls);
    const environment = { POSTAL_API_KEY: 'abcdEFGH1234ijklMNOP5678' };
    expect(await runInProcess(['-C', folder.path, 'config', 'check'], { environment })).toMatchObject({
      exit: 0,
      err: '',
    });
  });
});

describe('a second init', () => {
  it('changes not a byte when nothing is missing', async () => {
    using folder = initialised();
    const before = contents(folder.path);
    const { exit, out } = await init(folder.path, '--no-input');
    expect(exit).toBe(0);
    expect(out).toContain('lacks nothing; nothing was changed');
    expect(contents(folder.path)).toEqual(before);
  });

  it('adds what is missing, and leaves every line and secret that is there', async () => {
    using folder = initialised();
    const path = join(folder.path, '.env');
    const kept = readFileSync(path, 'utf8')
      .replace(/^API_INTERNAL_TOKEN=.*\n/m, '')
      .replace(/^(WEBHOOK_SEALING_KEY=).*$/m, '$1');
    writeFileSync(path, `${kept}# mine\nMY_OWN='thing'`);
    const key = readFileSync(join(folder.path, 'secrets/postal-signing.key'), 'utf8');

    const { out } = await init(folder.path, '--json');
    const after = readFileSync(path, 'utf8');
    const { data } = JSON.parse(out);

    expect(data.added).toEqual(['API_INTERNAL_TOKEN', 'WEBHOOK_SEALING_KEY']);
    expect(data.kept).toContain('POSTGRES_PASSWORD');
    expect(data.files[0]).toEqual({ path: '.env', action: 'changed', mode: '0600' });
    expect(
      after.startsWith(
        `${kept.replace('WEBHOOK_SEALING_KEY=', `WEBHOOK_SEALING_KEY=${valueOf(folder.path, 'WEBHOOK_SEALING_KEY')}`)}# mine\nMY_OWN='thing'\n`,
      ),
    ).toBe(true);
    expect(valueOf(folder.path, 'API_INTERNAL_TOKEN')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(readFileSync(join(folder.path, 'secrets/postal-signing.key'), 'utf8')).toBe(key);
  });

  it('writes the public key again from the private one', async () => {
    using folder = initialised();
    const before = contents(folder.path);
    writeFileSync(join(folder.path, 'secrets/postal-signing.pub'), 'nonsense');
    await init(folder.path);
    expect(contents(folder.path)).toEqual(before);
  });

  it('takes rights of others to a secret away, and says so', async () => {
    using folder = initialised();
    chmodSync(join(folder.path, '.env'), 0o644);
    const { out } = await init(folder.path, '--json');
    expect(JSON.parse(out).data.plan.steps).toEqual([{ do: 'set-mode', what: 'set .env to 0600' }]);
    expect(statSync(join(folder.path, '.env')).mode & 0o777).toBe(0o600);
  });

  it.each([
    [['--domain', 'other.example'], 'MAIL_DOMAIN'],
    [['--admin-email', 'me@other.example'], 'ADMIN_EMAIL'],
    [['--tls', 'off'], '--tls'],
  ])('refuses %j, which .env says otherwise', async (flags, field) => {
    using folder = initialised();
    const before = contents(folder.path);
    const { exit, out } = await init(folder.path, '--json', ...flags);
    expect(exit).toBe(21);
    expect(JSON.parse(out).error.field).toBe(field);
    expect(contents(folder.path)).toEqual(before);
  });
});

describe('init that cannot go on', () => {
  it.each([
    [['--no-input'], '--domain'],
    [['--no-input', '--domain', 'localhost'], '--domain'],
    [['--no-input', '--domain', 'exa mple.com'], '--domain'],
    [['--no-input', '--domain', 'example.com', '--admin-email', 'nobody'], '--admin-email'],
    [['--no-input', '--domain', 'example.com', '--admin-email', 'a@b.example\nX=y'], '--admin-email'],
  ])('for %j names the flag, and makes nothing', async (flags, field) => {
    using folder = temporaryFolder();
    const dir = join(folder.path, 'new');
    const { exit, out } = await init(dir, '--json', ...flags);
    expect(exit).toBe(2);
    expect(JSON.parse(out).error).toMatchObject({
      code: 'usage',
      field,
      hint: expect.stringContaining('mailctl init'),
    });
    expect(existsSync(dir)).toBe(false);
  });

  it('leaves a .env that does not parse as it is, and names the lines', async () => {
    using folder = temporaryFolder();
    const content = 'MAIL_DOMAIN=example.com\nA=b\nA=c\nnonsense\r\nB="$x"';
    writeFileSync(join(folder.path, '.env'), content);
    const { exit, err } = await init(folder.path, ...said);
    expect(exit).toBe(10);
    expect(err).toMatch(/A \(\.env line 3\)[\s\S]*\.env line 4[\s\S]*B \(\.env line 5\)/);
    expect(readFileSync(join(folder.path, '.env'), 'utf8')).toBe(content);
    expect(readdirSync(folder.path)).toEqual(['.env']);
  });

  it.each(['.env', 'secrets/postal-signing.key', 'secrets/postal-signing.pub'])(
    'follows no symbolic link at %s',
    async (name) => {
      using folder = temporaryFolder();
      using elsewhere = temporaryFolder();
      const target = join(elsewhere.path, 'target');
      writeFileSync(target, '');
      mkdirSync(join(folder.path, 'secrets'));
      symlinkSync(target, join(folder.path, name));
      const { exit, err } = await init(folder.path, ...said);
      expect(exit).toBe(21);
      expect(err).toMatch(/is a symbolic link; nothing was changed\n {2}Put the file itself there/);
      expect(readFileSync(target, 'utf8')).toBe('');
    },
  );

  it('refuses a folder in place of .env, and a file in place of a folder', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, '.env'));
    expect(await init(folder.path, ...said)).toMatchObject({
      exit: 21,
      err: expect.stringContaining('not a regular file'),
    });
    using other = temporaryFolder();
    writeFileSync(join(other.path, 'secrets'), '');
    expect(await init(other.path, ...said)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('in the way'),
    });
    expect(readFileSync(join(other.path, 'secrets'), 'utf8')).toBe('');
  });

  it('keeps a private key that it cannot read', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'secrets'));
    writeFileSync(join(folder.path, 'secrets/postal-signing.key'), 'canary');
    const { exit, out } = await init(folder.path, '--json', ...said);
    expect(exit).toBe(10);
    expect(JSON.parse(out).error.field).toBe('secrets/postal-signing.key');
    expect(out).not.toContain('canary');
    expect(readdirSync(folder.path, { recursive: true })).toEqual(['secrets', 'secrets/postal-signing.key']);
  });
});

describe('init on a terminal', () => {
  const answers = { Domain: 'example.org', address: '', TLS: 'off' };

  it('asks for what no flag said, with defaults', async () => {
    using folder = temporaryFolder();
    const { exit } = await runInProcess(['-C', folder.path, 'init'], { answers });
    expect(exit).toBe(0);
    expect(valueOf(folder.path, 'MAIL_DOMAIN')).toBe('example.org');
    expect(valueOf(folder.path, 'ADMIN_EMAIL')).toBe('postmaster@example.org');
    expect(valueOf(folder.path, 'RELAY_SUBMISSION_LISTEN')).toBe('off');
  });

  it('asks nothing that a flag or the file says', async () => {
    using folder = initialised();
    const { exit } = await runInProcess(['-C', folder.path, 'init'], { answers: {} });
    expect(exit).toBe(0);
  });

  it.each([['--no-input'], ['--json'], ['--yes']])('asks nothing with %s', async (flag) => {
    using folder = temporaryFolder();
    const { exit } = await runInProcess(['-C', folder.path, 'init', flag], { answers: {} });
    expect(exit).toBe(2);
  });

  it('asks again for an answer that is wrong', async () => {
    using folder = temporaryFolder();
    const terminal = fakeTerminal({ answers: { ...answers, Domain: 'nowhere' } });
    expect(await run(['-C', folder.path, 'init'], terminal, new AbortController().signal)).toBe(1);
    expect(terminal.err()).toContain('asked again, because it is no domain name');
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

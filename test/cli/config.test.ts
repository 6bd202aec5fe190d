import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { goodSecret, envText } from '../config/valid-sources.ts';
import { runInProcess } from '../fakes/terminal.ts';
import { temporaryFolder } from './folders.ts';

/** A folder with this `.env`. */
function folderWith(content: string | Uint8Array, mode = 0o600) {
  const folder = temporaryFolder();
  const path = join(folder.path, '.env');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return folder;
}

const all = [
  ['config', 'check'],
  ['config', 'show', '--origin'],
  ['config', 'explain', 'POSTGRES_PASSWORD'],
  ['db', 'status'],
  ['db', 'migrate', '--dry-run'],
];

describe('config check', () => {
  it('says that all is well', async () => {
    using folder = folderWith(envText());
    const { exit, out, err } = await runInProcess(['-C', folder.path, 'config', 'check']);
    expect({ exit, out, err }).toEqual({
      exit: 0,
      out: 'the configuration is complete and valid\n',
      err: '',
    });
  });

  it('ends with 3 when there are only warnings, and says how many', async () => {
    using folder = folderWith(`${envText()}API_RATE_LIMT=5\nOWN_THING=6\n`, 0o640);
    const { exit, out, err } = await runInProcess(['-C', folder.path, 'config', 'check']);
    expect({ exit, out }).toEqual({
      exit: 3,
      out: 'the configuration is complete and valid, with 2 warnings\n',
    });
    expect(err).toMatch(
      /^! API_RATE_LIMT \(\.env line \d+\) is no variable of mailctl; did you mean API_RATE_LIMIT\?$/m,
    );
    expect(err).toMatch(/^! \.env can be read by other users \(mode 0640\): chmod 600 \/.*\.env$/m);
  });

  it('puts warnings into the envelope, and only there', async () => {
    using folder = folderWith(envText(), 0o644);
    const { out, err } = await runInProcess(['-C', folder.path, 'config', 'check', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      data: { problems: [] },
      warnings: [expect.stringContaining('0644')],
    });
    expect(err).toBe('');
  });

  it('says nothing of warnings with --quiet, but keeps the exit code', async () => {
    using folder = folderWith(envText(), 0o644);
    expect(await runInProcess(['-C', folder.path, '-q', 'config', 'check'])).toMatchObject({
      exit: 3,
      err: '',
    });
  });

  it('lists every problem with its line, and ends with 10', async () => {
    using folder = folderWith(envText({ MAIL_DOMAIN: 'x', POSTGRES_PORT: '0' }));
    const { exit, out, err } = await runInProcess(['-C', folder.path, 'config', 'check']);
    expect({ exit, out }).toEqual({ exit: 10, out: '' });
    expect(err).toMatch(/^ {2}MAIL_DOMAIN \(\.env line 1\) is no domain name/m);
    expect(err).toMatch(/^ {2}POSTGRES_PORT \(\.env line \d+\) must be from 1 to 65535$/m);
  });

  it('hands the problems to a program as data', async () => {
    using folder = folderWith(envText({ MAIL_DOMAIN: 'x' }));
    const { out } = await runInProcess(['-C', folder.path, 'config', 'check', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      schema: 'mailctl/config-check/v1',
      ok: false,
      data: { problems: [{ name: 'MAIL_DOMAIN', line: 1, message: expect.any(String) }] },
      error: { code: 'config-invalid', exit: 10, field: 'MAIL_DOMAIN' },
    });
  });
});

describe('config show', () => {
  it('shows an invalid configuration, with the wrong value and a warning', async () => {
    using folder = folderWith(`${envText({ API_RATE_LIMIT: 'lots' })}no assignment\n`);
    const { exit, out, err } = await runInProcess(['-C', folder.path, 'config', 'show', '--origin']);
    expect(exit).toBe(0);
    expect(out).toMatch(/^API_RATE_LIMIT +lots {2}# \.env$/m);
    expect(out).toMatch(/^POSTGRES_PASSWORD +\[secret\] {2}# \.env$/m);
    expect(err).toMatch(/^! API_RATE_LIMIT \(\.env line \d+\) is no whole number$/m);
    expect(err).toMatch(/^! \.env \(\.env line \d+\) is neither NAME=value nor a # comment$/m);
  });

  it('prints each variable with the shape of product.md', async () => {
    using folder = folderWith(envText());
    const { out } = await runInProcess(['-C', folder.path, 'config', 'show', '--json']);
    expect(JSON.parse(out).data.variables).toContainEqual({
      name: 'POSTGRES_PASSWORD',
      value: '[secret]',
      origin: '.env',
      secret: true,
    });
  });
});

describe('how much is said', () => {
  it('is the failure with its remedy, and with --verbose where in the program it came from', async () => {
    using folder = folderWith(envText({ MAIL_DOMAIN: 'x' }));
    const plain = await runInProcess(['-C', folder.path, 'config', 'check']);
    const verbose = await runInProcess(['-C', folder.path, 'config', 'check', '-v']);
    const quiet = await runInProcess(['-C', folder.path, 'config', 'check', '-q']);
    expect(plain.err).not.toMatch(/^ +at /m);
    expect(verbose.err).toMatch(/^ +at /m);
    expect(verbose.err.startsWith(plain.err.trimEnd())).toBe(true);
    expect(quiet).toEqual(plain);
  });
});

describe('config explain', () => {
  it('says what a variable means, whatever the letters are', async () => {
    const { exit, out } = await runInProcess(['config', 'explain', 'postgres_password']);
    expect(exit).toBe(0);
    expect(out).toMatch(/^POSTGRES_PASSWORD\n[\s\S]*as a file +POSTGRES_PASSWORD_FILE\n +now +\(unset\)/m);
  });

  it('names the nearest variable', async () => {
    const { exit, err } = await runInProcess(['config', 'explain', 'API_RATE_LIMT']);
    expect({ exit, err }).toEqual({
      exit: 2,
      err: '✘ API_RATE_LIMT is no variable of mailctl\n  Did you mean API_RATE_LIMIT?\n',
    });
  });
});

describe('a planted secret', { timeout: 30_000 }, () => {
  const canary = 'cAnArY-31f7';

  it.each([
    ['weak', `POSTGRES_PASSWORD=${canary}\n`],
    ['on a line that does not parse', `POSTGRES_PASSWORD="${canary}$x"\n`],
    ['behind a word that is no name', `POSTGRES PASSWORD=${canary}\n`],
    ['with a control character', `POSTGRES_PASSWORD=${canary}\0\n`],
    ['given twice', `POSTGRES_PASSWORD=${canary}\nPOSTGRES_PASSWORD=${canary}${canary}\n`],
    ['also in a file', `POSTGRES_PASSWORD=${canary}${canary}${canary}\nPOSTGRES_PASSWORD_FILE=secret\n`],
    ['in a file that holds two lines', 'POSTGRES_PASSWORD_FILE=two\n'],
    ['strong', `POSTGRES_PASSWORD=${canary}-${goodSecret}\n`],
    ['in a URL', `POSTGRES_PASSWORD=${goodSecret}\nPOSTAL_URL=https://x:${canary}@example.com\n`],
  ])('%s is printed by no command, not with --json or --verbose either', async (_, lines) => {
    using folder = folderWith(`${envText({ POSTGRES_PASSWORD: undefined })}POSTGRES_HOST=/nowhere\n${lines}`);
    writeFileSync(join(folder.path, 'secret'), canary);
    writeFileSync(join(folder.path, 'two'), `${canary}\n${canary}\n`);
    for (const argv of all) {
      for (const flag of ['--json', '--verbose', '--quiet']) {
        const { out, err } = await runInProcess(['-C', folder.path, ...argv, flag]);
        expect(out + err).not.toContain(canary);
      }
    }
  });
});

describe('a strange .env', () => {
  it.each([
    ['a folder', (path: string) => mkdirSync(path), /is not a regular file/],
    [
      'a FIFO that nobody writes to',
      (path: string) => execFileSync('mkfifo', [path]),
      /is not a regular file/,
    ],
    [
      'ten megabytes',
      (path: string) => writeFileSync(path, 'A=b\n'.repeat(2_500_000)),
      /is larger than 1 MB/,
    ],
    [
      'not UTF-8',
      (path: string) => writeFileSync(path, Uint8Array.of(0x41, 0x3d, 0xff, 0x0a)),
      /is no UTF-8 text/,
    ],
  ])('that is %s is refused at once, with the path', async (_, make, said) => {
    using folder = temporaryFolder();
    const path = join(folder.path, '.env');
    make(path);
    const { exit, err } = await runInProcess(['-C', folder.path, 'config', 'check']);
    expect(exit).toBe(21);
    expect(err).toMatch(said);
    expect(err).toContain(path);
    expect(readdirSync(folder.path)).toEqual(['.env']);
  });

  it.each([
    ['a folder', (path: string) => mkdirSync(path), 'not a regular file'],
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), 'not a regular file'],
    ['missing', () => undefined, 'ENOENT'],
    ['empty', (path: string) => writeFileSync(path, '\n'), 'is empty'],
    ['too large', (path: string) => writeFileSync(path, 'x'.repeat(2_000_000)), 'larger than 1 MB'],
  ])('with a secret in a file that is %s names the file', async (_, make, said) => {
    const text = envText({ POSTGRES_PASSWORD: undefined, POSTGRES_PASSWORD_FILE: 'pg' });
    using folder = folderWith(text);
    make(join(folder.path, 'pg'));
    const { exit, err } = await runInProcess(['-C', folder.path, 'config', 'check']);
    expect(exit).toBe(10);
    expect(err).toMatch(/POSTGRES_PASSWORD_FILE \(\.env line \d+\) names pg, which /);
    expect(err).toContain(said);
  });
});

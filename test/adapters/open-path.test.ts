import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isOpenToAll, letsAllWrite } from '../../src/adapters/open-path.ts';

let folder: string;
let program: string;
beforeEach(async () => {
  folder = await mkdtemp('/tmp/open-path-');
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'bin'));
  program = join(folder, 'bin/program');
  await writeFile(program, '', { mode: 0o755 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a program is open to all', () => {
  it('when every folder above it lets all pass', async () => {
    expect(await isOpenToAll(program)).toBe(true);
  });

  it('but not when a folder further up is closed', async () => {
    await chmod(folder, 0o750);

    expect(await isOpenToAll(program)).toBe(false);
  });

  it('but not when it may only be read', async () => {
    await chmod(program, 0o744);

    expect(await isOpenToAll(program)).toBe(false);
  });

  it('but not when a link leads into a closed folder', async () => {
    const link = join(folder, 'link');
    await symlink(program, link);
    expect(await isOpenToAll(link)).toBe(true);
    await chmod(join(folder, 'bin'), 0o700);

    expect(await isOpenToAll(link)).toBe(false);
  });

  it('but not when it is not there', async () => {
    expect(await isOpenToAll(join(folder, 'missing'))).toBe(false);
  });
});

describe('a folder lets all write', () => {
  it('when all may write in it and pass through all above it', async () => {
    expect(await letsAllWrite('/tmp')).toBe(true);
    expect(await letsAllWrite(folder)).toBe(false);
    await chmod(folder, 0o777);

    expect(await letsAllWrite(folder)).toBe(true);
  });

  it('but not under a closed one', async () => {
    await chmod(join(folder, 'bin'), 0o777);
    await chmod(folder, 0o700);

    expect(await letsAllWrite(join(folder, 'bin'))).toBe(false);
  });
});

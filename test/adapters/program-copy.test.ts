import { mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { copyPrograms } from '../../src/adapters/program-copy.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'program-copy-'));
  await mkdir(join(folder, 'from/lib/deep'), { recursive: true });
  await writeFile(join(folder, 'from/lib/libpq.so.5.18'), 'the library');
  await writeFile(join(folder, 'from/lib/deep/libicuuc.so.60.2'), 'another');
  await writeFile(join(folder, 'from/run'), '#!/bin/sh', { mode: 0o755 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('copies programs with their mode, and links as links', async () => {
  await symlink('run', join(folder, 'from/alias'));
  await copyPrograms(join(folder, 'from'), join(folder, 'to'), undefined);

  expect((await stat(join(folder, 'to/run'))).mode & 0o777).toBe(0o755);
  expect(await readlink(join(folder, 'to/alias'))).toBe('run');
});

it('makes the links by which programs ask for their libraries, at every depth', async () => {
  await copyPrograms(join(folder, 'from'), join(folder, 'to'), undefined);

  expect(await readFile(join(folder, 'to/lib/libpq.so.5'), 'utf8')).toBe('the library');
  expect(await readlink(join(folder, 'to/lib/deep/libicuuc.so.60'))).toBe('libicuuc.so.60.2');
});

it('mends links that lead nowhere', async () => {
  await symlink('/nowhere', join(folder, 'from/lib/libpq.so.5'));
  await copyPrograms(join(folder, 'from'), join(folder, 'to'), undefined);

  expect(await readFile(join(folder, 'to/lib/libpq.so.5'), 'utf8')).toBe('the library');
});

it('never writes into a folder that is there already', async () => {
  await mkdir(join(folder, 'to'));

  await expect(copyPrograms(join(folder, 'from'), join(folder, 'to'), undefined)).rejects.toMatchObject({
    code: 'EEXIST',
  });
});

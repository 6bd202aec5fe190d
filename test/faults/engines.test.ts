import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, vi } from 'vitest';
import { z } from 'zod';

import { unpackDebian } from '../engines/debian-packages.ts';
import { processesWith } from '../programs/process-list.ts';
import { startProgram } from '../programs/program.ts';

it('unpacks a Debian package once, and keeps none that is of no use', async ({ skip }) => {
  const cache = await mkdtemp(join(tmpdir(), 'debian-'));
  const wanted = { name: 'liblzf1', brings: 'usr/lib' };
  try {
    const root = await unpackDebian(wanted, cache).catch((error: unknown) =>
      skip(`no packages: ${String(error)}`),
    );
    vi.stubEnv('PATH', '/nowhere');
    expect(await unpackDebian(wanted, cache)).toBe(root);
    vi.unstubAllEnvs();
    expect(await readdir(root)).toEqual(['usr']);

    const wrong = { name: 'libjemalloc2', brings: 'usr/sbin/other' };
    await expect(unpackDebian(wrong, cache)).rejects.toThrow(
      /libjemalloc2 brought no usr.sbin.other, only \S+\.deb/,
    );
    expect(await readdir(join(root, '..'))).toEqual(['liblzf1']);
  } finally {
    vi.unstubAllEnvs();
    await rm(cache, { recursive: true, force: true });
  }
});

it('leaves no engine behind when the run is killed with SIGKILL', async () => {
  await using owner = await startProgram('leash-owner.ts');
  const { folder } = z.object({ folder: z.string() }).parse(owner.said);
  await vi.waitFor(async () => expect(await processesWith(folder)).toHaveLength(3), 10_000);

  owner.kill('SIGKILL');

  await vi.waitFor(async () => {
    expect(await processesWith(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  }, 10_000);
});

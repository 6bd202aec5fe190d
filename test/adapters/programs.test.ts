import { createHash } from 'node:crypto';
import { renameSync, statSync, writeFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { openPrograms } from '../../src/adapters/programs.ts';
import { temporaryFolder } from '../cli/folders.ts';
import { until } from '../store/until.ts';
import { toBeSealed } from './sealed.ts';

const systemPrograms = openPrograms(5_000);

const ends = async ({ programs }: ReturnType<typeof systemPrograms.join>) =>
  (await Promise.all(programs.map(({ ended }) => ended))).map(({ exit, signal }) => exit ?? signal);

describe('two programs that are joined', () => {
  it('hand on every octet to a file that age opens, and tell of the beginning, the number and the end', async () => {
    using folder = temporaryFolder();
    const { order, sealed, opened } = await toBeSealed(folder.path, 1024 * 1024);
    const heard: Buffer[] = [];
    const joined = systemPrograms.join({
      first: ['sh', '-c', 'read line; echo "$line"; head -c 5000000 /dev/zero; echo the end'],
      second: ['sh', '-c', 'cat; echo read'],
      file: order,
      hear: (octets) => heard.push(octets),
    });
    joined.input.end('the beginning\n');
    const { bytes, tail } = await joined.passed;
    expect({ bytes, tail: tail.subarray(-9).toString() }).toEqual({ bytes: 5_000_022, tail: '\0the end\n' });
    expect(Buffer.concat(heard).length).toBe(65_536);
    expect(Buffer.concat(heard).toString('latin1')).toMatch(/^the beginning\n\0/);
    expect(await ends(joined)).toEqual([0, 0, 0]);

    const digest = await joined.sealed;
    const sha256 = createHash('sha256').update(sealed()).digest('hex');
    expect({ ...digest, mode: statSync(order.path).mode & 0o777 }).toEqual({
      bytes: sealed().length,
      sha256,
      mode: 0o600,
    });
    expect(joined.bytes()).toBe(digest.bytes);
    const printed = await opened();
    expect(printed.length).toBe(5_000_027);
    expect(printed.subarray(0, 14).toString()).toBe('the beginning\n');
    expect(printed.subarray(-13).toString()).toBe('the end\nread\n');
  });

  it('seal nothing as a file where nothing passed', async () => {
    using folder = temporaryFolder();
    const { order, opened } = await toBeSealed(folder.path);
    const joined = systemPrograms.join({ first: ['true'], second: ['cat'], file: order });
    expect(await joined.passed).toEqual({ bytes: 0, tail: Buffer.alloc(0) });
    await joined.sealed;
    expect(await opened()).toEqual(Buffer.alloc(0));
  });

  it('each say how they ended, when the first fails', async () => {
    using folder = temporaryFolder();
    const { order, opened } = await toBeSealed(folder.path);
    const first = ['sh', '-c', 'echo half; echo why >&2; exit 3'] as const;
    const joined = systemPrograms.join({ first: [...first], second: ['cat'], file: order });
    expect(await ends(joined)).toEqual([3, 0, 0]);
    expect(await joined.programs[0]?.ended).toEqual({ exit: 3, signal: null, complaint: 'why' });
    await joined.sealed;
    expect((await opened()).toString()).toBe('half\n');
  });

  it('end with the second, when that fails', async () => {
    using folder = temporaryFolder();
    const { order } = await toBeSealed(folder.path);
    const second = ['sh', '-c', 'head -c 10; exit 4'] as const;
    const joined = systemPrograms.join({ first: ['yes'], second: [...second], file: order });
    const [source, between, reader] = await ends(joined);
    expect([between, reader]).toEqual([141, 4]);
    expect(['SIGPIPE', 1]).toContain(source);
  });

  it('are all ended at once', async () => {
    using folder = temporaryFolder();
    const { order } = await toBeSealed(folder.path);
    const joined = systemPrograms.join({ first: ['sleep', '600'], second: ['cat'], file: order });
    joined.kill();
    expect(await ends(joined)).toEqual(['SIGTERM', 'SIGTERM', 'SIGTERM']);
    await expect(joined.sealed).rejects.toMatchObject({ message: expect.stringContaining('SIGTERM') });
  });

  it.each([
    ['first', ['no-such-program'], ['cat']],
    ['second', ['true'], ['no-such-program']],
  ] as const)('name the %s that cannot be run', async (_, first, second) => {
    using folder = temporaryFolder();
    const { order } = await toBeSealed(folder.path);
    const joined = systemPrograms.join({ first: [...first], second: [...second], file: order });
    const outcomes = await Promise.allSettled(joined.programs.map(({ ended }) => ended));
    await joined.sealed.catch(() => undefined);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'unreachable', message: 'no-such-program cannot be run' } },
    ]);
  });

  it('end with what stands in the way of the file: there is one', async () => {
    using folder = temporaryFolder();
    const { order, sealed } = await toBeSealed(folder.path);
    writeFileSync(order.path, 'before');
    const joined = systemPrograms.join({ first: ['yes'], second: ['cat'], file: order });
    await expect(joined.sealed).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await ends(joined)).not.toContain(0);
    expect(sealed().toString()).toBe('before');
  });

  it('are found out when another file has the name at the end', async () => {
    using folder = temporaryFolder();
    const { order } = await toBeSealed(folder.path);
    const first = ['sh', '-c', 'head -c 200000 /dev/zero; read go; echo end'] as const;
    const joined = systemPrograms.join({ first: [...first], second: ['cat'], file: order });
    await until(joined.bytes, (bytes) => bytes > 100_000, 30_000);
    renameSync(order.path, `${order.path}.away`);
    writeFileSync(order.path, 'short');
    joined.input.end('go\n');
    await expect(joined.sealed).rejects.toMatchObject({ code: 'check-failed' });
    await ends(joined);
  });
});

import { buffer, text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { openPrograms } from '../../src/adapters/programs.ts';

const systemPrograms = openPrograms(5_000);

const ends = async ({ programs }: ReturnType<typeof systemPrograms.join>) =>
  (await Promise.all(programs.map(({ ended }) => ended))).map(({ exit, signal }) => exit ?? signal);

describe('two programs that are joined', () => {
  it('hand on every octet, of which the beginning, the number and the end are told', async () => {
    const heard: Buffer[] = [];
    const joined = systemPrograms.join(
      ['sh', '-c', 'read line; echo "$line"; head -c 5000000 /dev/zero; echo the end'],
      ['sh', '-c', 'cat; echo read'],
      (octets) => heard.push(octets),
    );
    joined.input.end('the beginning\n');
    const printed = await buffer(joined.output);

    expect(printed.subarray(0, 14).toString()).toBe('the beginning\n');
    expect(printed.subarray(-13).toString()).toBe('the end\nread\n');
    expect(Buffer.concat(heard).length).toBe(65_536);
    expect(Buffer.concat(heard).toString('latin1')).toMatch(/^the beginning\n\0/);
    const { bytes, tail } = await joined.passed;
    expect({ bytes, printed: printed.length, tail: tail.subarray(-9).toString() }).toEqual({
      bytes: 5_000_022,
      printed: 5_000_027,
      tail: '\0the end\n',
    });
    expect(await ends(joined)).toEqual([0, 0, 0]);
  });

  it('tell of nothing where nothing passed', async () => {
    const joined = systemPrograms.join(['true'], ['cat']);
    expect(await text(joined.output)).toBe('');
    expect(await joined.passed).toEqual({ bytes: 0, tail: Buffer.alloc(0) });
  });

  it('each say how they ended, when the first fails', async () => {
    const joined = systemPrograms.join(['sh', '-c', 'echo half; echo why >&2; exit 3'], ['cat']);
    expect(await text(joined.output)).toBe('half\n');
    expect(await joined.programs[0]?.ended).toEqual({ exit: 3, signal: null, complaint: 'why' });
    expect(await ends(joined)).toEqual([3, 0, 0]);
  });

  it('end with the second, when that fails', async () => {
    const joined = systemPrograms.join(['yes'], ['sh', '-c', 'head -c 10; exit 4']);
    await text(joined.output);
    const [source, between, reader] = await ends(joined);
    expect([between, reader]).toEqual([141, 4]);
    expect(['SIGPIPE', 1]).toContain(source);
  });

  it('are all ended at once', async () => {
    const joined = systemPrograms.join(['sleep', '600'], ['cat']);
    joined.kill();
    expect(await ends(joined)).toEqual(['SIGTERM', 'SIGTERM', 'SIGTERM']);
  });

  it.each([
    ['first', ['no-such-program'], ['cat']],
    ['second', ['true'], ['no-such-program']],
  ] as const)('name the %s that cannot be run', async (_, first, second) => {
    const joined = systemPrograms.join(first, second);
    joined.output.resume();
    const outcomes = await Promise.allSettled(joined.programs.map(({ ended }) => ended));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'unreachable', message: 'no-such-program cannot be run' } },
    ]);
  });
});

import { describe, expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';

const timeoutMs = 10_000;

describe('exec', () => {
  it('gives back what a program wrote, and its exit code whatever that is', async () => {
    const argv = [
      process.execPath,
      '-e',
      'console.log("out"); console.error("err"); process.exitCode = 3',
    ] as const;

    expect(await exec(argv, { timeoutMs })).toEqual({ exit: 3, stdout: 'out', stderr: 'err' });
  });

  it('passes arguments on as they are, since no shell reads them', async () => {
    const argv = ['printf', '%s|', 'two words', '$HOME', '*', ''] as const;

    expect(await exec(argv, { timeoutMs })).toMatchObject({ stdout: 'two words|$HOME|*||' });
  });

  it('gives a program its input, and an empty one otherwise', async () => {
    expect(await exec(['cat'], { timeoutMs, input: 'a line' })).toMatchObject({ stdout: 'a line' });
    expect(await exec(['cat'], { timeoutMs })).toMatchObject({ exit: 0, stdout: '' });
  });

  it('runs in a folder, with the environment it is given and no other when that is asked for', async () => {
    const options = { timeoutMs, folder: '/', environment: { WORD: 'said' }, cleanEnvironment: true };
    const { stdout } = await exec(['/bin/sh', '-c', 'pwd; echo "$WORD-$HOME-"'], options);

    expect(stdout).toBe('/\nsaid--');
  });

  it('says which program is missing', async () => {
    await expect(exec(['no-such-program'], { timeoutMs })).rejects.toMatchObject({
      code: 'unreachable',
      message: 'no-such-program cannot be run',
      hint: 'Check that no-such-program is installed and in PATH',
    });
  });

  it('says which program may not be run', async () => {
    await expect(exec(['/etc/passwd'], { timeoutMs })).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('ends a program that takes too long', async () => {
    await expect(exec(['sleep', '60'], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timed-out',
      message: 'sleep did not finish within 50 ms',
    });
  });

  it('tells a program that a signal ended from one that exited', async () => {
    const { exit } = await exec(['/bin/sh', '-c', 'kill -TERM $$'], { timeoutMs });

    expect(exit).toBeUndefined();
  });

  it('ends a program when told to stop', async () => {
    const stop = new AbortController();
    const running = exec(['sleep', '60'], { timeoutMs, stop: stop.signal });
    stop.abort();

    expect(await running).toMatchObject({ exit: undefined });
  });
});

import { describe, expect, it } from 'vitest';

import { runInProcess } from '../fakes/terminal.ts';

async function candidates(...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await runInProcess(['complete', '--', ...words]);
  return out.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

describe('completion', () => {
  it.each([
    [['con'], ['config']],
    [
      ['config', ''],
      ['check', 'show', 'explain'],
    ],
    [['config', 's'], ['show']],
    [['-C', 'somewhere', 'config', 's'], ['show']],
    [['--dir=somewhere', '--json', 'db', 'm'], ['migrate']],
    [['config', 'show', '--or'], ['--origin']],
    [['config', 'show', '--js'], ['--json']],
    [
      ['init', '--tls', ''],
      ['acme', 'files', 'off'],
    ],
    [['init', '--tls', 'f'], ['files']],
    [['init', '--tls=o'], ['--tls=off']],
    [['init', '--domain', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['config', 'explain', 'API_RATE_'],
      ['API_RATE_LIMIT', 'API_RATE_PERIOD', 'API_RATE_CLIENTS'],
    ],
    [['help', 'config', 'e'], ['explain']],
    [['config', 'check', 'nothing-stands-here', ''], []],
    [['compl'], ['completion']],
    [['nonsense', ''], []],
  ])('behind %j offers %j', async (words, expected) => {
    expect(await candidates(...words)).toEqual(expected);
  });

  it('offers every noun but the hidden ones where nothing is typed', async () => {
    const words = await candidates('');
    expect(words).toEqual(expect.arrayContaining(['init', 'config', 'relay', 'help']));
    expect(words).not.toContain('complete');
  });

  it('offers the meaning of each word behind a tab', async () => {
    const { out } = await runInProcess(['complete', '--', 'db']);
    expect(out).toBe('db\tshow and migrate the database\n');
  });
});

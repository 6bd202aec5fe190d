import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { runInProcess } from '../fakes/terminal.ts';
import { temporaryFolder } from './folders.ts';

describe('a wrong command line', () => {
  it.each([
    [['confg'], 'there is no command "confg"', 'Did you mean mailctl config?'],
    [['config', 'chek'], 'there is no command "chek"', 'Did you mean mailctl config check?'],
    [['nothing-like-it'], 'there is no command "nothing-like-it"', 'See what there is: mailctl --help'],
    [['config'], 'a verb is missing', 'See what there is: mailctl config --help'],
    [['config', 'check', '--jsn'], 'there is no flag --jsn', 'Did you mean --json?'],
    [['keys', 'create'], '--name is missing', 'See what there is: mailctl keys create --help'],
    [['config', 'explain'], 'NAME is missing', 'See what there is: mailctl config explain --help'],
    [
      ['config', 'check', 'x', 'y'],
      'too many words: 2 where none can stand',
      'See what there is: mailctl config check --help',
    ],
    [
      ['init', '--tls', 'maybe'],
      '--tls cannot be "maybe": it is one of acme, files, off',
      'See what there is: mailctl init --help',
    ],
    [
      ['completion', 'tcsh'],
      'SHELL cannot be "tcsh": it is one of bash, zsh, fish',
      'See what there is: mailctl completion --help',
    ],
    [
      ['keys', 'rotate', '--kind', 'redis', '--kind', 'relay'],
      '--kind can be given once',
      'See what there is: mailctl keys rotate --help',
    ],
    [['config', 'check', '-C'], '--dir needs a value', 'See what there is: mailctl --help'],
    [
      ['-q', '-v', 'config', 'check'],
      '--quiet and --verbose exclude each other',
      'See what there is: mailctl --help',
    ],
    [
      ['help', 'nope'],
      'there is no command "nope"',
      'See what there is: mailctl --help, mailctl help exit-codes, mailctl help variables',
    ],
  ])('%j says what is wrong and which command helps', async (argv, message, hint) => {
    const { exit, out, err } = await runInProcess(argv);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err.endsWith(`✘ ${message}\n  ${hint}\n`)).toBe(true);
  });

  it('names the word that is wrong as the field', async () => {
    const fields = [];
    for (const argv of [
      ['config', 'explain'],
      ['confg'],
      ['init', '--tls', 'x'],
      ['config', 'check', '-C'],
    ]) {
      const { out } = await runInProcess(['--json', ...argv]);
      fields.push(JSON.parse(out).error.field);
    }
    expect(fields).toEqual(['NAME', 'confg', '--tls', '--dir']);
  });

  it('behind -- has words only, also where it fails', async () => {
    const { exit, out, err } = await runInProcess(['nonsense', '--', '--json']);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toContain('there is no command "nonsense"');
  });

  it('takes --json behind -- for a word, not for the flag', async () => {
    const { exit, out } = await runInProcess(['complete', '--', '--json']);
    expect({ exit, out }).toEqual({ exit: 0, out: '--json\tprint one JSON object on stdout\n' });
  });
});

describe('help', () => {
  it('is on stdout when nothing is asked, with every group', async () => {
    const { exit, out, err } = await runInProcess([]);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    for (const word of ['Every day:', 'Host:', 'Services:', 'Other:', 'init', 'relay'])
      expect(out).toContain(word);
    expect(out).not.toContain('answer a shell');
  });

  it('of a verb tells its flags and those of every command', async () => {
    const direct = await runInProcess(['config', 'show', '--help']);
    const asked = await runInProcess(['help', 'config', 'show']);
    expect(asked).toEqual(direct);
    expect(asked.out).toMatch(/^Usage: mailctl config show \[options\]/);
    expect(asked.out).toMatch(/--origin[\s\S]*Global Options:[\s\S]*--dir/);
  });

  it('lists the exit codes and the variables, as text and as rows', async () => {
    const { out } = await runInProcess(['help', 'exit-codes']);
    expect(out).toMatch(/^ {2}0 {2}done[\s\S]*^ 21 {2}refused/m);
    const { out: json } = await runInProcess(['help', 'variables', '--json']);
    expect(JSON.parse(json).data.rows).toContainEqual(expect.objectContaining({ name: 'API_RATE_LIMIT' }));
  });

  it('and version need no configuration and mind no broken one', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, '.env'), 'this is no .env\0');
    for (const argv of [
      ['--version'],
      ['--help'],
      ['help'],
      ['help', 'config'],
      ['completion', 'bash'],
      ['complete', '--', 'con'],
    ]) {
      const { exit, err } = await runInProcess(['-C', folder.path, ...argv]);
      expect({ argv, exit, err }).toEqual({ argv, exit: 0, err: '' });
    }
  });
});

describe("the operator's folder", () => {
  async function dirOf(argv: readonly string[], environment: Record<string, string>, cwd: string) {
    const line = ['init', '--domain', 'example.com', '--dry-run', '--json'];
    const { out } = await runInProcess([...argv, ...line], { cwd, environment });
    return JSON.parse(out).data.dir;
  }

  it('is -C before MAILCTL_DIR before the current folder, and may be relative', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const environment = { MAILCTL_DIR: join(path, 'b') };
    expect(await dirOf(['-C', 'a/../c'], environment, path)).toBe(join(path, 'c'));
    expect(await dirOf(['--dir=d'], environment, path)).toBe(join(path, 'd'));
    expect(await dirOf([], environment, path)).toBe(join(path, 'b'));
    expect(await dirOf([], { MAILCTL_DIR: 'e' }, path)).toBe(join(path, 'e'));
    expect(await dirOf([], { MAILCTL_DIR: '' }, path)).toBe(path);
  });

  it('cannot be a file', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    const { exit, out } = await runInProcess(['-C', file, 'config', 'check', '--json']);
    const byVariable = await runInProcess(['config', 'check', '--json'], {
      environment: { MAILCTL_DIR: file },
    });
    expect(exit).toBe(2);
    expect(JSON.parse(out).error).toMatchObject({
      code: 'usage',
      field: '--dir',
      message: `${file} is no folder`,
    });
    expect(JSON.parse(byVariable.out).error.field).toBe('MAILCTL_DIR');
  });

  it.each(['a folder', 'below a file'])('whose .env is %s is refused in words', async (kind) => {
    using folder = temporaryFolder();
    const [dir, env] = [join(folder.path, 'dir'), join(folder.path, 'dir', '.env')];
    if (kind === 'a folder') mkdirSync(env, { recursive: true });
    else writeFileSync(join(folder.path, 'dir'), '');
    const { exit, err } = await runInProcess(['-C', kind === 'a folder' ? dir : env, 'config', 'check']);
    expect(exit).toBe(kind === 'a folder' ? 21 : 2);
    expect(err).not.toContain('bug');
  });
});

describe('colour', () => {
  const wrong = ['config', 'nope'];

  it.each([
    ['a terminal', { argv: wrong, environment: {}, isTerminal: true, coloured: true }],
    ['a pipe', { argv: wrong, environment: {}, isTerminal: false, coloured: false }],
    [
      'a pipe with FORCE_COLOR',
      { argv: wrong, environment: { FORCE_COLOR: '1' }, isTerminal: false, coloured: true },
    ],
    [
      'a terminal with FORCE_COLOR=0',
      { argv: wrong, environment: { FORCE_COLOR: '0' }, isTerminal: true, coloured: false },
    ],
    [
      'a terminal with NO_COLOR',
      { argv: wrong, environment: { NO_COLOR: '1' }, isTerminal: true, coloured: false },
    ],
    [
      'a terminal with an empty NO_COLOR',
      { argv: wrong, environment: { NO_COLOR: '' }, isTerminal: true, coloured: true },
    ],
    [
      'NO_COLOR and FORCE_COLOR',
      { argv: wrong, environment: { NO_COLOR: '1', FORCE_COLOR: '1' }, isTerminal: true, coloured: false },
    ],
    ['--no-color', { argv: [...wrong, '--no-color'], environment: {}, isTerminal: true, coloured: false }],
    ['a dumb terminal', { argv: wrong, environment: { TERM: 'dumb' }, isTerminal: true, coloured: false }],
  ])('on %s', async (_, { argv, environment, isTerminal, coloured }) => {
    const { err } = await runInProcess(argv, { environment, isTerminal });
    expect(err.includes('\u001B[31m')).toBe(coloured);
  });
});

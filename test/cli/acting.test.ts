import { appendFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Command } from 'commander';
import { describe, expect, it } from 'vitest';

import { writtenCommand } from '../../src/cli/written-command.ts';
import { runInProcess } from '../fakes/terminal.ts';
import { startProgram } from '../programs/program.ts';
import { temporaryFolder } from './folders.ts';

const environment = { USER: 'grace' };
const init = ['init', '--domain', 'example.com', '--tls', 'off', '--json'];

async function operatorFolder() {
  const folder = temporaryFolder();
  expect(await run(folder.path, init)).toMatchObject({ exit: 0 });
  return folder;
}

async function run(dir: string, words: readonly string[]) {
  const { exit, out } = await runInProcess(['-C', dir, ...words], { environment });
  return { exit, ...(JSON.parse(out) as Record<string, never>) };
}

async function actsOf(dir: string, ...flags: readonly string[]): Promise<readonly Record<string, string>[]> {
  const { data } = (await run(dir, ['history', '--json', ...flags])) as unknown as {
    data: { acts: Record<string, string>[] };
  };
  return data.acts;
}

/** Something for `init` to do again: the file that it restores. */
const makeIncomplete = (dir: string) => rm(join(dir, 'secrets/postal-signing.pub'));

describe('an act', () => {
  it(
    'is refused with 11 while another holds the folder, which is named; looking goes on',
    { timeout: 30_000 },
    async () => {
      using folder = await operatorFolder();
      await using holder = await startProgram('operator-lock.ts', { args: [folder.path] });
      const refused = await run(folder.path, init);
      expect(refused).toMatchObject({ exit: 11, error: { code: 'locked' } });
      expect(refused).toMatchObject({
        error: {
          message: expect.stringMatching(
            new RegExp(String.raw`^mailctl up --wait 5m \(ada, process ${holder.pid} on \S+, since \d{4}-`),
          ),
        },
        data: { holder: { who: 'ada', command: 'up --wait 5m', pid: holder.pid } },
      });
      expect(await run(folder.path, ['config', 'show', '--json'])).toMatchObject({ ok: true });
      expect(await run(folder.path, [...init, '--dry-run'])).toMatchObject({
        exit: 0,
        data: { applied: false },
      });
    },
  );

  it(
    'takes over from one that was killed, names it, and writes down that it died',
    { timeout: 30_000 },
    async () => {
      using folder = await operatorFolder();
      const holder = await startProgram('operator-lock.ts', { args: [folder.path] });
      await holder[Symbol.asyncDispose]();
      expect(await run(folder.path, init)).toMatchObject({
        exit: 0,
        warnings: [
          expect.stringMatching(new RegExp(`^mailctl up --wait 5m \\(ada, process ${holder.pid} .* died`)),
        ],
      });
      expect(await actsOf(folder.path, '--command', 'up')).toEqual([
        { at: expect.any(String), who: 'ada', command: 'up --wait 5m', result: 'killed' },
      ]);
    },
  );

  it('leaves a line with who, when, what and how it ended; one that had nothing to do leaves none', async () => {
    using folder = await operatorFolder();
    await run(folder.path, init);
    await makeIncomplete(folder.path);
    await run(folder.path, ['init', '--json']);
    expect(await actsOf(folder.path)).toEqual([
      {
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        who: 'grace',
        command: 'init --domain example.com --tls off',
        result: 'done',
      },
      { at: expect.any(String), who: 'grace', command: 'init', result: 'done' },
    ]);
    expect((await stat(join(folder.path, 'state/history'))).mode & 0o777).toBe(0o600);
  });

  it('leaves the code of the failure when it failed', async () => {
    using folder = await operatorFolder();
    await rm(join(folder.path, 'backups'), { recursive: true });
    await writeFile(join(folder.path, 'backups'), 'in the way');
    await run(folder.path, ['init', '--json']);
    expect((await actsOf(folder.path)).at(-1)).toMatchObject({ command: 'init', result: 'usage' });
  });

  it('goes on where state/ cannot be written, and warns', async () => {
    using folder = await operatorFolder();
    await makeIncomplete(folder.path);
    await rm(join(folder.path, 'state'), { recursive: true });
    await mkdir(join(folder.path, 'state/history'), { recursive: true });
    await writeFile(join(folder.path, 'state/lock'), 'no folder');
    expect(await run(folder.path, ['init', '--json'])).toMatchObject({
      exit: 0,
      data: { applied: true },
      warnings: [
        expect.stringMatching(/^no lock was taken, as state\/ cannot be written: .*state\/lock/),
        expect.stringMatching(/^state\/history cannot be written: /),
      ],
    });
  });
});

describe('the history', () => {
  it('is empty in a folder where nothing was done', async () => {
    using folder = temporaryFolder();
    expect(await actsOf(folder.path)).toEqual([]);
  });

  it('leaves out a line that a crash tore, and what came before the time asked for', async () => {
    using folder = await operatorFolder();
    const path = join(folder.path, 'state/history');
    const written = await readFile(path, 'utf8');
    const old = { at: '2020-01-01T00:00:00.000Z', who: 'ada', command: 'up', result: 'done' };
    await writeFile(path, `${JSON.stringify(old)}\n{"at":"2020-\n${written}`);
    await appendFile(path, '{"at":"202');
    expect((await actsOf(folder.path)).map(({ command }) => command)).toEqual([
      'up',
      expect.stringMatching(/^init/),
    ]);
    expect(await actsOf(folder.path, '--since', '1d')).toHaveLength(1);
    expect(await run(folder.path, ['history', '--since', 'soon', '--json'])).toMatchObject({
      exit: 2,
      error: { field: '--since' },
    });
  });

  it('keeps of a URL only scheme and host, which may hold secrets elsewhere', async () => {
    const seen: string[] = [];
    const program = new Command('mailctl');
    program
      .command('add')
      .argument('<url>')
      .option('--event <type...>')
      .option('--for <duration>', '', '1d')
      .action((...all: unknown[]) => void seen.push(writtenCommand(all.at(-1) as Command)));
    await program.parseAsync(
      ['add', 'https://u:canary@hooks.example/T0/canary?k=canary', '--event', 'a', 'b c'],
      {
        from: 'user',
      },
    );
    expect(seen).toEqual(['add https://hooks.example/… --event a --event "b c"']);
  });
});

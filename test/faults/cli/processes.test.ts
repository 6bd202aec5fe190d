import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { temporaryFolder } from '../../cli/folders.ts';
import { envText } from '../../config/valid-sources.ts';
import { emptyDatabase } from '../../engines/postgres.ts';
import { buildProgram, runToEnd, start } from '../../integration/cli/program.ts';

let program: ReturnType<typeof buildProgram>;
beforeAll(() => {
  program = buildProgram();
});
afterAll(() => program[Symbol.dispose]());

const node = process.execPath;
const mailctl = (...argv: readonly string[]) => [node, program.path, ...argv];
/** A line of bash in which "$@" is mailctl and its words. */
const bash = (line: string, ...argv: readonly string[]) => [
  'bash',
  '--norc',
  '-c',
  line,
  'bash',
  ...mailctl(...argv),
];

describe('the streams of a process', () => {
  it('prints the version and help on stdout alone', async () => {
    expect(await runToEnd(mailctl('--version'))).toMatchObject({
      exit: 0,
      out: /^\d+\.\d+\.\d+\n$/,
      err: '',
    });
  });

  it.each([
    ['help', 'variables'],
    ['config', 'show'],
    ['config', 'show', '--json'],
  ])('is silent when the reader of %s %s has gone', async (...argv) => {
    const ended = await runToEnd(bash('"$@" | head -c 0; echo "${PIPESTATUS[0]}"', ...argv));
    expect(ended).toMatchObject({ out: '0\n' });
    expect(ended.err).not.toMatch(/EPIPE|Error|✘/);
  });

  it('is silent when the reader of its talk has gone, and still ends with its code', async () => {
    const ended = await runToEnd(
      bash('"$@" 2>&1 >/dev/null | head -c 0; echo "${PIPESTATUS[0]}"', 'nonsense'),
    );
    expect(ended).toMatchObject({ out: '2\n', err: '' });
  });

  it.each([
    ['stdin', '"$@" <&-', 0],
    ['stdout', '"$@" >&-', 0],
    ['stderr', '"$@" 2>&-', 0],
    ['all three', '"$@" <&- >&- 2>&-', 0],
  ])('runs with %s closed', async (_, line, exit) => {
    expect(await runToEnd(bash(line, 'help', 'exit-codes'))).toMatchObject({ exit, err: '' });
  });

  it('says that the output cannot be written, and fails', async () => {
    const ended = await runToEnd(bash('"$@" >/dev/full', 'help', 'exit-codes'));
    expect(ended).toMatchObject({ exit: 1, out: '' });
    expect(ended.err).toMatch(/^✘ the output cannot be written: ENOSPC/);
  });

  it('asks nothing where there is no terminal', async () => {
    using folder = temporaryFolder();
    const ended = await runToEnd(mailctl('-C', folder.path, 'init'));
    expect(ended).toMatchObject({ exit: 2, out: '' });
    expect(ended.err).toMatch(/^✘ --domain is missing, and nobody can be asked\n/);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('says that the current folder was removed under it, where it needs one', async () => {
    const line = 'cd "$(mktemp -d)" && rmdir "$PWD" && "$@"';
    const ended = await runToEnd(bash(line, 'config', 'check'));
    expect(ended).toMatchObject({ exit: 2, out: '' });
    expect(ended.err).toMatch(/^✘ the current folder does not exist any more\n/);
    expect(await runToEnd(bash(line, '-C', '/', 'help', 'exit-codes'))).toMatchObject({ exit: 0, err: '' });
    expect(await runToEnd(bash(line, '--version'))).toMatchObject({ exit: 0, err: '' });
  });

  it('finds .env by MAILCTL_DIR, and lets the environment win over it', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, '.env'), envText({ API_RATE_LIMIT: '7' }), { mode: 0o600 });
    const environment = { MAILCTL_DIR: folder.path, API_RATE_PERIOD: '2m' };
    const { out } = await runToEnd(mailctl('config', 'show', '--origin'), environment);
    expect(out).toMatch(/^API_RATE_LIMIT +7 {2}# \.env$/m);
    expect(out).toMatch(/^API_RATE_PERIOD +2m {2}# environment$/m);
  });
});

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a command that only looks, and holds nothing open', async (signal, exit) => {
    using folder = temporaryFolder();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const env = envText({
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(port),
      POSTGRES_CONNECT_TIMEOUT: '10m',
    });
    writeFileSync(join(folder.path, '.env'), env, { mode: 0o600 });
    const running = start(mailctl('-C', folder.path, 'db', 'status'));
    const [socket] = await once(server, 'connection');
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({
      exit,
      out: '',
      err: expect.stringContaining('✘ interrupted'),
    });
    socket.destroy();
    server.close();
  });

  it('lets the step under way finish, and the second one ends it at once', async () => {
    await using database = await emptyDatabase();
    using folder = temporaryFolder();
    const { host, port, user, password, database: name } = database.address;
    const values = {
      POSTGRES_HOST: host,
      POSTGRES_PORT: String(port),
      POSTGRES_DATABASE: name,
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password.reveal(),
      MAILCTL_MODE: 'sandbox',
    };
    writeFileSync(join(folder.path, '.env'), envText(values), { mode: 0o600 });
    const waiting = () =>
      database.db.query(`select 1 from pg_locks where locktype = 'advisory' and not granted`);
    const migrate = async () => {
      const running = start(mailctl('-C', folder.path, 'db', 'migrate'));
      await expect.poll(waiting, { timeout: 30_000 }).toHaveLength(1);
      running.child.kill('SIGINT');
      await running.prints('once more ends it at once');
      return running;
    };

    await database.db.transaction(async (held) => {
      await held.query(`select pg_advisory_xact_lock(hashtext('mailctl migrations'))`);
      const ended = await migrate();
      ended.child.kill('SIGINT');
      expect(await ended.ended).toMatchObject({ exit: 130, out: '' });
    });
    let patient: Awaited<ReturnType<typeof migrate>> | undefined;
    await database.db.transaction(async (held) => {
      await held.query(`select pg_advisory_xact_lock(hashtext('mailctl migrations'))`);
      patient = await migrate();
    });
    expect(await patient?.ended).toMatchObject({
      exit: 0,
      err: expect.stringContaining('✔ apply the migrations'),
    });
  });
});

const completed = String.raw`
source <("$1" "$2" completion bash)
source <("$1" "$2" completion bash)
mailctl() { "$NODE" "$PROGRAM" "$@"; }
COMP_WORDS=("\${@:3}") COMP_CWORD=$(($# - 3))
_mailctl mailctl
printf '%s\n' "\${COMPREPLY[@]}"
`.replaceAll('\\$', '$');

const inZsh = String.raw`
compdef() { :; }
_describe() { print -l -- "\${(@P)2%%:*}"; }
_files() { print files; }
mailctl() { "$NODE" "$PROGRAM" "$@"; }
source <("$1" "$2" completion zsh)
words=("\${@:3}") CURRENT=$(($# - 2))
_mailctl
`.replaceAll('\\$', '$');

const inFish = `
function mailctl; $NODE $PROGRAM $argv; end
$NODE $PROGRAM completion fish | source
complete -C "$argv[1]" | string replace -r '\\t.*' ''
`;

/** These are tested where they are installed; bash always is. */
const otherShells = [
  {
    name: 'zsh',
    command: (line: string) => ['zsh', '-fc', inZsh, 'zsh', node, program.path, ...line.split(' ')],
  },
  { name: 'fish', command: (line: string) => ['fish', '-N', '-c', inFish, line] },
].filter(({ name }) =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name))),
);

describe('completion', () => {
  const environment = () => ({ NODE: node, PROGRAM: program.path });
  const lines = [
    ['mailctl conf', ['config']],
    ['mailctl config ', ['check', 'show', 'explain']],
    ['mailctl -C /tmp config show --or', ['--origin']],
    ['mailctl init --tls f', ['files']],
  ] as const;

  it.each(lines)('of %j in bash offers %j', async (line, expected) => {
    const { out, err } = await runToEnd(
      ['bash', '--norc', '-c', completed, 'bash', node, program.path, ...line.split(' ')],
      environment(),
    );
    expect({ words: out.trim().split('\n'), err }).toEqual({ words: expected, err: '' });
  });

  it('of --flag=value in bash completes the value, which bash takes for a word', async () => {
    for (const [words, expected] of [
      [['mailctl', 'init', '--tls', '=', 'a'], 'acme\n'],
      [['mailctl', 'init', '--tls', '='], 'acme\nfiles\noff\n'],
    ] as const) {
      const { out } = await runToEnd(
        ['bash', '--norc', '-c', completed, 'bash', node, program.path, ...words],
        environment(),
      );
      expect(out).toBe(expected);
    }
  });

  it.each(otherShells.flatMap((shell) => lines.map(([line, expected]) => ({ ...shell, line, expected }))))(
    'of $line in $name offers $expected',
    async ({ command, line, expected }) => {
      using home = temporaryFolder();
      const environmentAtHome = { ...process.env, ...environment(), HOME: home.path };
      const { out } = await runToEnd(command(line), environmentAtHome);
      expect(out.trim().split('\n').toSorted()).toEqual([...expected].toSorted());
    },
  );
});

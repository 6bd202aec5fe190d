import { chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { SandboxCard } from '../../src/cli/commands/sandbox.ts';
import { processesWith } from '../programs/process-list.ts';
import { type Program, startProgram } from '../programs/program.ts';

const isRoot = process.getuid?.() === 0;
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

let temporary: string;
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'mailctl-test-'));
  await chmod(temporary, 0o755);
});
afterAll(() => rm(temporary, { recursive: true }));

/** Starts `mailctl sandbox --json` whose temporary files are all below `name`. */
async function startSandbox(
  name: string,
  start: object = {},
): Promise<{ program: Program; card: SandboxCard; place: string }> {
  const place = join(temporary, name);
  await mkdir(place);
  await chmod(place, 0o777);
  const program = await startProgram('mailctl.ts', {
    args: ['sandbox', '--json'],
    environment: { TMPDIR: place },
    ...start,
  });
  return { program, card: program.said as SandboxCard, place };
}

async function untilNothingIsLeft(card: SandboxCard): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await processesWith(card.dir)).toEqual([]);
      await expect(stat(card.dir)).rejects.toMatchObject({ code: 'ENOENT' });
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe('mailctl sandbox', () => {
  it('says on one line all that it is reached by, and Ctrl-C leaves no process and no folder', async () => {
    const { program, card } = await startSandbox('told');
    await using _ = program;

    expect(Object.keys(card)).toEqual(['dir', 'smtp', 'api', 'postal', 'mailbox', 'webhook', 'try']);
    const health = await fetch(`${card.api.url}/v1/health`);
    expect(health.status).toBe(200);

    program.kill('SIGINT');
    expect(await program.ended).toBe(0);
    await untilNothingIsLeft(card);
  });

  it('leaves no process and no folder behind when it is killed with SIGKILL', async () => {
    const { program, card, place } = await startSandbox('killed');
    await using _ = program;
    const postgres = await postmasterOf(card);

    program.kill('SIGKILL');
    await program.ended;

    await untilNothingIsLeft(card);
    await vi.waitFor(() => expect(isAlive(postgres)).toBe(false), { timeout: 20_000, interval: 50 });
    await vi.waitFor(async () => expect(await processesWith(place)).toEqual([]), {
      timeout: 20_000,
      interval: 50,
    });
  });

  it('keeps its folder to its owner, with a configuration that checks out', async () => {
    const { program, card } = await startSandbox('owned');
    await using _ = program;

    const modes = await Promise.all(
      ['', '.env', 'secrets', 'secrets/tls.key'].map((path) => stat(join(card.dir, path))),
    );
    const checked = await startProgram('mailctl.ts', { args: ['-C', card.dir, 'config', 'check', '--json'] });

    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '600', '700', '600']);
    expect(checked.said).toMatchObject({ ok: true, data: { problems: [] } });
    expect(await readFile(join(card.dir, '.env'), 'utf8')).toContain('MAILCTL_MODE=sandbox');
  });

  it('says what is wrong where no temporary folder can be made', async () => {
    const environment = { TMPDIR: join(temporary, 'nowhere') };

    await expect(startProgram('mailctl.ts', { args: ['sandbox'], environment })).rejects.toThrow(
      /ended with 12: ✘ no folder can be made in .*nowhere[^]*Set TMPDIR/,
    );
  });

  it('runs for a user without rights, in a language that is not installed', async () => {
    const { program, card } = await startSandbox('nobody', {
      through: isRoot ? asNobody : [],
      environment: {
        TMPDIR: join(temporary, 'nobody'),
        LANG: 'de_DE.UTF-8',
        LC_ALL: 'de_DE.UTF-8',
        HOME: '/nonexistent',
      },
    });
    await using _ = program;

    const health = await fetch(`${card.api.url}/v1/health`);

    expect(health.status).toBe(200);
    program.kill('SIGTERM');
    await program.ended;
    await untilNothingIsLeft(card);
  });
});

/** The process id of the sandbox's PostgreSQL, asked of the server itself. */
async function postmasterOf(card: SandboxCard): Promise<number> {
  const { openRuntime } = await import('../../src/runtime.ts');
  await using runtime = openRuntime({ dir: card.dir, environment: {}, uid: process.getuid?.() });
  const db = await runtime.postgres();
  const [row] = await db.query<{ pid: string }>(
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
  );
  return Number(row?.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

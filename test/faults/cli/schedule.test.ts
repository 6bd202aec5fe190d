import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { startProgram } from '../../programs/program.ts';
import { buildProgram, runToEnd } from '../../integration/cli/program.ts';
import { folderDue } from '../due-folder.ts';

let program: ReturnType<typeof buildProgram>;
beforeAll(() => {
  program = buildProgram();
});
afterAll(() => program[Symbol.dispose]());

const mailctl = (dir: string, ...words: readonly string[]) =>
  runToEnd([process.execPath, program.path, '-C', dir, ...words]);

async function json(dir: string, ...words: readonly string[]) {
  const { exit, out } = await mailctl(dir, ...words, '--json');
  return { exit, ...JSON.parse(out) };
}

describe('mailctl schedule', () => {
  it('lists what is due, runs it in a process of its own, and tells how it ended', async () => {
    using folder = await folderDue('15 1 * * *');
    const { rows } = (await json(folder.path, 'schedule', 'list')).data;
    expect(rows.filter(({ when }: { when: string }) => when !== 'off')).toMatchObject([
      { name: 'e2e', when: '15 1 * * *', command: 'mailctl e2e', last: null, next: expect.any(String) },
    ]);

    const ran = await json(folder.path, 'schedule', 'run', 'e2e');
    expect(ran).toMatchObject({ exit: 13, ok: false, error: { code: 'unreachable' } });
    const { data } = await json(folder.path, 'schedule', 'history', 'e2e');
    expect(data.runs).toMatchObject([{ name: 'e2e', outcome: 'failed', exit: 13 }]);
    expect(data.runs[0].said).toContain('PostgreSQL');
    expect(ran.error.message).not.toContain('password');
  });

  it('runs nothing on a dry run, and knows no row of another name', async () => {
    using folder = await folderDue('15 1 * * *');

    expect(await json(folder.path, 'schedule', 'run', 'e2e', '--dry-run')).toMatchObject({
      exit: 0,
      data: { applied: false, runs: [] },
    });
    expect((await json(folder.path, 'schedule', 'history')).data.runs).toEqual([]);
    expect(await json(folder.path, 'schedule', 'run', 'nonsense')).toMatchObject({
      exit: 2,
      error: { field: 'name' },
    });
  });

  it('says what is wrong with a time, and that there is nothing to export', async () => {
    using wrong = await folderDue('61 * * * *');
    using off = await folderDue('off');

    expect(await json(wrong.path, 'schedule', 'list')).toMatchObject({
      exit: 10,
      error: { field: 'SCHEDULE_E2E' },
    });
    expect(await json(off.path, 'schedule', 'export', '--format', 'cron')).toMatchObject({ exit: 2 });
  });

  it('a scheduler runs the row when it is due, and ends with 0 on SIGTERM', async () => {
    using folder = await folderDue('* * * * *');
    await mkdir(join(folder.path, 'state/runs'), { recursive: true });
    const due = '2026-01-01T00:00:00.000Z';
    const run = { due, started_at: due, ended_at: due, outcome: 'done', exit: 0, seconds: 1, said: '' };
    await writeFile(join(folder.path, 'state/runs/e2e.runs.json'), JSON.stringify({ runs: [run] }));
    await using scheduler = await startProgram('mailctl.ts', {
      args: ['-C', folder.path, 'scheduler'],
      environment: { SCHEDULER_HEALTH_LISTEN: '127.0.0.1:0', SCHEDULER_POLL_INTERVAL: '100ms' },
    });

    await vi.waitFor(
      async () => {
        const { data } = await json(folder.path, 'schedule', 'history');
        expect(data.runs).toMatchObject([{ name: 'e2e', outcome: 'failed', exit: 13 }, { due }]);
      },
      { timeout: 30_000, interval: 500 },
    );
    scheduler.kill('SIGTERM');
    expect(await scheduler.ended).toBe(0);
  });
});

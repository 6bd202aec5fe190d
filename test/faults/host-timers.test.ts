import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { findProgram } from '../engines/programs.ts';
import { buildProgram, runToEnd, start } from '../integration/cli/program.ts';
import { folderDue } from './due-folder.ts';

let program: ReturnType<typeof buildProgram>;
beforeAll(() => {
  program = buildProgram();
});
afterAll(() => program[Symbol.dispose]());

const mailctl = (dir: string, ...words: readonly string[]) =>
  runToEnd([process.execPath, program.path, '-C', dir, ...words]);

describe('mailctl schedule export', () => {
  it('prints a file that a real cron runs', { timeout: 300_000 }, async () => {
    using folder = await folderDue('* * * * *');
    const { path: busybox } = await findProgram({
      program: 'busybox',
      debianPackage: 'busybox-static',
      folder: 'bin',
    });
    const { out } = await mailctl(folder.path, 'schedule', 'export', '--format', 'cron', '--user', 'USER');
    const tabs = await mkdtemp(join(tmpdir(), 'mailctl-cron-'));
    // A personal crontab is the same file without the column that names the user.
    await writeFile(join(tabs, userInfo().username), out.replaceAll(' USER ', ' '));
    const cron = start([busybox, 'crond', '-f', '-c', tabs, '-L', '/dev/null']);
    try {
      await vi.waitFor(
        async () => {
          const text = await readFile(join(folder.path, 'state/runs/e2e.runs.json'), 'utf8');
          expect(JSON.parse(text).runs).toContainEqual(
            expect.objectContaining({ outcome: 'failed', exit: 13 }),
          );
        },
        { timeout: 240_000, interval: 500 },
      );
    } finally {
      cron.child.kill('SIGKILL');
      await rm(tabs, { recursive: true, force: true });
    }
  });

  it('prints timers that systemd reads', async () => {
    using folder = await folderDue('30 4 * * 0');
    const { out } = await mailctl(folder.path, 'schedule', 'export', '--format', 'systemd', '--json');
    const { data } = JSON.parse(out);
    const fileOf = (name: string): string =>
      data.files.find(({ path }: { path: string }) => path.endsWith(name)).content;
    const [service, timer] = [fileOf('mailctl-e2e.service'), fileOf('mailctl-e2e.timer')];
    const { path, libraries, root } = await findProgram({
      program: 'systemd-analyze',
      debianPackage: 'systemd',
      folder: 'usr/bin',
    });
    const [, calendar = ''] = /OnCalendar=(.+)/.exec(timer) ?? [];
    const environment = {
      LD_LIBRARY_PATH: [...libraries, join(root ?? '/', 'usr/lib/x86_64-linux-gnu/systemd')].join(':'),
    };
    const read = await exec([path, 'calendar', calendar], { timeoutMs: 20_000, environment });
    expect([read.exit, read.stdout]).toEqual([
      0,
      expect.stringContaining('Normalized form: Sun *-*-* 04:30:00 UTC'),
    ]);
    expect(service).toContain(`-C ${folder.path} schedule run e2e --no-input --quiet`);
  });
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { findProgram } from '../engines/programs.ts';
import { buildProgram, runToEnd, start } from '../integration/cli/program.ts';
import { mayMount, startDebianCron } from './debian-cron.ts';
import { folderDue } from './due-folder.ts';

let program: ReturnType<typeof buildProgram>;
beforeAll(() => {
  program = buildProgram();
});
afterAll(() => program[Symbol.dispose]());

const mailctl = (dir: string, ...words: readonly string[]) =>
  runToEnd([process.execPath, program.path, '-C', dir, ...words]);

/** Waits until the row has run and has failed as it must. */
async function untilRun(dir: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const text = await readFile(join(dir, 'state/runs/e2e.runs.json'), 'utf8');
      expect(JSON.parse(text).runs).toContainEqual(expect.objectContaining({ outcome: 'failed', exit: 13 }));
    },
    { timeout: 240_000, interval: 500 },
  );
}

const aMinuteAndMore = { timeout: 300_000 };

describe.concurrent('the file that mailctl schedule export prints for cron', () => {
  it("is run by Debian's cron as it stands, from /etc/cron.d", aMinuteAndMore, async ({ skip }) => {
    skip(!(await mayMount()), 'not applicable: only root may have an /etc of its own');
    using folder = await folderDue('* * * * *');
    const user = userInfo().username;
    const { out } = await mailctl(folder.path, 'schedule', 'export', '--format', 'cron', '--user', user);
    expect(out).toContain(`* * * * * ${user} `);
    await using _ = await startDebianCron(out);
    await untilRun(folder.path);
  });

  it("is run by busybox' cron as a crontab, without the user's column", aMinuteAndMore, async () => {
    using folder = await folderDue('* * * * *');
    const { path: busybox } = await findProgram({
      program: 'busybox',
      debianPackage: 'busybox-static',
      folder: 'bin',
    });
    const { out } = await mailctl(folder.path, 'schedule', 'export', '--format', 'cron', '--user', 'USER');
    const tabs = await mkdtemp(join(tmpdir(), 'mailctl-cron-'));
    await writeFile(join(tabs, userInfo().username), out.replaceAll(' USER ', ' '));
    const cron = start([busybox, 'crond', '-f', '-c', tabs, '-L', '/dev/null']);
    try {
      await untilRun(folder.path);
    } finally {
      cron.child.kill('SIGKILL');
      await rm(tabs, { recursive: true, force: true });
    }
  });
});

describe('mailctl schedule export', () => {
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

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exec } from '../../src/adapters/exec.ts';
import { findProgram } from '../engines/programs.ts';
import { start } from '../integration/cli/program.ts';

/** True where this user may mount in a name space of its own. */
export async function mayMount(): Promise<boolean> {
  const tried = await exec(['unshare', '-m', 'true'], { timeoutMs: 20_000 }).catch(() => undefined);
  return tried?.exit === 0;
}

/** Everybody may run something, as on a host whose PAM knows of cron. */
const pam = ['auth', 'account', 'session'].map((what) => `${what} required pam_permit.so\n`).join('');

/** Its folders and its lock are its own: what the host has of cron goes on as it is. */
const alone = `
mount --bind "$1/etc" /etc && mount -t tmpfs tmpfs /var/spool && mkdir -p /var/spool/cron/crontabs &&
mount -t tmpfs tmpfs /run && exec "$2" -f`;

/** Runs Debian's cron, in the foreground, on a copy of this machine's /etc in which `file` is all that stands in /etc/cron.d. */
export async function startDebianCron(file: string): Promise<AsyncDisposable> {
  const { path, libraries } = await findProgram({
    program: 'cron',
    debianPackage: 'cron',
    folder: 'usr/sbin',
  });
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-cron-'));
  const etc = join(folder, 'etc');
  await cp('/etc', etc, { recursive: true, verbatimSymlinks: true });
  await rm(join(etc, 'cron.d'), { recursive: true, force: true });
  for (const name of ['cron.d', 'pam.d']) await mkdir(join(etc, name), { recursive: true });
  await rm(join(etc, 'crontab'), { force: true });
  await writeFile(join(etc, 'pam.d/cron'), pam);
  await writeFile(join(etc, 'cron.d/mailctl'), file, { mode: 0o644 });
  const { child, ended } = start(['unshare', '-m', 'sh', '-c', alone, 'sh', folder, path], {
    LD_LIBRARY_PATH: libraries.join(':'),
  });
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

import { join } from 'node:path';

import { exec } from '../../src/adapters/exec.ts';
import { awaitWords, engineFolder, startLeashed } from './leash.ts';
import { findProgram } from './programs.ts';
import type { RunningEngine } from './running-engine.ts';

const mariadbServer = { program: 'mariadbd', debianPackage: 'mariadb-server', folder: 'usr/sbin' } as const;

/** A MariaDB on a unix socket whose root has no password; it forgets what it wrote when the machine fails. It takes more flags. */
export async function startMariadbEngine(more: readonly string[] = []): Promise<RunningEngine> {
  const { path, root, libraries } = await findProgram(mariadbServer);
  const folder = await engineFolder('mariadb');
  const data = join(folder, 'data');
  const usr = join(root ?? '/', 'usr');
  await install(join(usr, 'bin/mariadb-install-db'), usr, { data, libraries });
  const socket = join(folder, 'socket');
  const flags = ['--no-defaults', `--basedir=${usr}`, `--datadir=${data}`, `--socket=${socket}`];
  const quick = ['--skip-networking', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=64M'];
  const mariadb = startLeashed(folder, [path, ...flags, ...quick, ...more, ...asRoot()], libraries);
  await awaitWords(mariadb, 'ready for connections');
  return { address: { socketPath: socket, user: 'root', password: '' }, stop: mariadb.stop };
}

async function install(
  script: string,
  usr: string,
  { data, libraries }: { readonly data: string; readonly libraries: readonly string[] },
): Promise<void> {
  const flags = [
    `--basedir=${usr}`,
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ];
  const { exit, stderr, stdout } = await exec([script, '--no-defaults', ...flags, ...asRoot()], {
    timeoutMs: 60_000,
    environment: { LC_ALL: 'C', LD_LIBRARY_PATH: libraries.join(':') },
  });
  if (exit !== 0) throw new Error(`mariadb-install-db failed: ${stderr || stdout}`);
}

function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

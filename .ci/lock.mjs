import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The lock must satisfy `npm ci` of every npm that comes with a supported Node. Asks the registry, so it is apart from the tests.
const majors = [10, 11];
const folder = mkdtempSync(join(tmpdir(), 'mailctl-lock-'));

try {
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), join(folder, file));
  }
  for (const major of majors) {
    const argv = ['--yes', `npm@${major}`, 'ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, stdout, stderr } = spawnSync('npx', argv, { cwd: folder, encoding: 'utf8' });
    process.stdout.write(
      `npm ${major}: ${status === 0 ? 'the lock installs' : 'the lock does not install'}\n`,
    );
    if (status !== 0) {
      process.stderr.write(stdout + stderr);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

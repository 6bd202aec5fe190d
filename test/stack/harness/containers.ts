import { expect } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import type { TestStack } from './stack.ts';

const waitMs = 180_000;

/** Waits for a condition, as long as a slow machine may need. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`gave up waiting until ${what}`);
    await systemClock.sleep(500);
  }
}

/** The container of a service as the engine tells: its process, whether it is well, how often it was started again, and from which image. */
export async function containerOf(stack: TestStack, service: string) {
  const format =
    '{{.State.Pid}} {{.RestartCount}} {{.Image}} {{if .State.Health}}{{.State.Health.Status}}{{end}}';
  const { stdout } = await stack.docker('inspect', '--format', format, `${stack.name}-${service}-1`);
  const [pid = '0', restarts = '0', image = '', health = 'none'] = stdout.trim().split(' ');
  return { pid: Number(pid), restarts: Number(restarts), image, health };
}

/** What PostgreSQL of the stack answers. */
export async function inPostgres(stack: TestStack, sql: string): Promise<string> {
  const script = `psql -XAt -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "$0"`;
  const container = `${stack.name}-postgres-1`;
  const { exit, stdout, stderr } = await stack.docker('exec', container, 'sh', '-c', script, sql);
  if (exit !== 0) throw new Error(stderr);
  return stdout;
}

/** What MariaDB of the stack answers its administrator, asked from Postal's main database. */
export async function inMariadb(stack: TestStack, sql: string): Promise<string> {
  const script = 'MYSQL_PWD=$(cat /run/secrets/MARIADB_ROOT_PASSWORD) mariadb -u root -N -B -e "$0" postal';
  return (await dockerSays(stack, 'exec', `${stack.name}-mariadb-1`, 'sh', '-c', script, sql)).trim();
}

/** What a docker command that succeeds says, on both streams. */
export async function dockerSays(stack: TestStack, ...words: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await stack.docker(...words);
  expect(exit, `docker ${words.join(' ')}: ${stderr}`).toBe(0);
  return stdout + stderr;
}

/** The containers of the stack that run; with `--all` those that have ended too. */
export async function containerIds(
  stack: TestStack,
  ...flags: readonly string[]
): Promise<readonly string[]> {
  const label = `label=com.docker.compose.project=${stack.name}`;
  const said = await dockerSays(stack, 'ps', '-q', ...flags, '--filter', label);
  return said.split('\n').filter(Boolean);
}

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import type { Finished } from '../../src/adapters/exec.ts';
import { containerIds, containerOf, dockerSays } from './harness/containers.ts';
import { runningStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;

/** Values of `.env`, the password of Postal's administrator, and lines of the signing key: the half that has none of its public numbers. */
function secretsOf(dir: string): readonly string[] {
  const lines = readFileSync(join(dir, '.env'), 'utf8').split('\n');
  const values = lines.flatMap((line) => secretLine.exec(line)?.[1] ?? []);
  const password = readFileSync(join(dir, 'secrets/postal-admin-password'), 'utf8').trim();
  const key = readFileSync(join(dir, 'secrets/postal-signing.key'), 'utf8').trim().split('\n').slice(1, -1);
  return [...values, password, ...key.slice(key.length / 2).filter((line) => line.length === 64)];
}

const secretLine = /^(?!\w+_FILE=)\w*(?:PASSWORD|TOKEN|SECRET|KEY|CREDENTIAL)\w*=(\S{20,})$/;

/** Every file of the operator's folder that is not itself meant to hold secrets. */
function plainFiles(dir: string): readonly string[] {
  const found = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return found
    .map((one) => relative(dir, join(one.parentPath, one.name)))
    .filter((path) => path !== '.env' && !/^(?:secrets|backups)\//.test(path));
}

/** The command line of every process of this host, those in containers too, that was seen while something was done. */
async function commandLinesDuring(work: Promise<unknown>): Promise<readonly string[]> {
  const seen = new Set<string>();
  const done = new AbortController();
  const looking = async () => {
    while (!done.signal.aborted) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) seen.add(commandLine(pid));
      await systemClock.sleep(5, done.signal);
    }
  };
  await Promise.all([work.finally(() => done.abort()), looking()]);
  return [...seen];
}

/** Empty for a process that has ended meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Fails where the command does, or does not say that it did this. */
async function does(what: string, command: Promise<Finished>): Promise<void> {
  const { exit, stdout, stderr } = await command;
  expect(exit, stderr).toBe(0);
  expect(stdout).toContain(what);
}

beforeAll(async () => {
  stack = await runningStack();
}, longMs);

describe('the stack', () => {
  it(
    'shows no secret in files of its folder, inspect, its image, argv or logs',
    { timeout: longMs },
    async () => {
      const secrets = secretsOf(stack.dir);
      expect(secrets.length).toBeGreaterThan(20);
      const paths = plainFiles(stack.dir);
      expect(paths).toEqual(
        expect.arrayContaining(['compose.yaml', 'rendered/nginx/nginx.conf', 'state/history']),
      );
      const places = new Map(paths.map((path) => [path, readFileSync(join(stack.dir, path), 'latin1')]));
      const ask = async (...words: readonly string[]) =>
        places.set(words.join(' '), await dockerSays(stack, ...words));
      const image = (await containerOf(stack, 'relay')).image;
      const all = await containerIds(stack, '--all');
      await ask('inspect', ...all);
      await ask('image', 'inspect', image);
      await ask('history', '--no-trunc', image);
      await ask('compose', '--project-directory', stack.dir, 'config');
      for (const id of all) await ask('logs', id);
      for (const id of await containerIds(stack)) await ask('top', id, '-eo', 'pid,args');
      const showing = [...places].filter(([, text]) => secrets.some((secret) => text.includes(secret)));
      expect(showing.map(([place]) => place)).toEqual([]);
    },
  );

  it(
    'shows no secret in the argv of any process of the host while Postal is provisioned and a service restarted',
    { timeout: longMs },
    async () => {
      const apply = ['postal', 'apply', '--yes', '--json'];
      const seen = [
        ...(await commandLinesDuring(does('send_limit', stack.env(['POSTAL_SEND_LIMIT=100000'], ...apply)))),
        ...(await commandLinesDuring(does('send_limit', stack.mailctl(...apply)))),
        ...(await commandLinesDuring(
          does('restarted: redis', stack.mailctl('restart', 'redis', '--yes', '--json')),
        )),
      ];
      expect(seen).toContainEqual(expect.stringMatching(/ postal apply /));
      expect(seen).toContainEqual(expect.stringMatching(/docker.* compose .*restart .*redis/));
      expect(seen).toContainEqual(expect.stringMatching(/redis-server/));
      const secrets = secretsOf(stack.dir);
      expect(seen.filter((line) => secrets.some((secret) => line.includes(secret))).length).toBe(0);
    },
  );
});

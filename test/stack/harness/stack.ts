import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TestRunner } from 'vitest';

import { exec, type Finished } from '../../../src/adapters/exec.ts';
import { ensureEngine } from './engine.ts';
import { buildImages, imageVariables } from './images.ts';

const program = new URL('../../../bin/mailctl.js', import.meta.url).pathname;
const commandMs = 600_000;

/** A stack of the production's compose file, with only the names of images and the ports of the host changed. */
export interface TestStack {
  readonly dir: string;
  readonly name: string;
  /** Runs `mailctl` on it as an operator does. */
  mailctl(...words: readonly string[]): Promise<Finished>;
  /** The same with `NAME=value` in its environment. */
  env(environment: readonly string[], ...words: readonly string[]): Promise<Finished>;
  /** The same with `--json`: the envelope. */
  json(...words: readonly string[]): Promise<Envelope>;
  docker(...words: readonly string[]): Promise<Finished>;
}

export interface Envelope {
  readonly ok: boolean;
  readonly data?: Record<string, unknown>;
  readonly error?: {
    readonly code: string;
    readonly exit: number;
    readonly message: string;
    readonly hint: string;
  };
  readonly warnings: readonly string[];
}

export const stackName = 'mailctl-test';
/** One folder for all test files of a run: the stack that one brought up the next one finds. */
export const stackFolder = join(tmpdir(), `mailctl-test-stack-${process.getuid?.() ?? 0}`);

const settings = {
  ...imageVariables,
  STACK_NAME: stackName,
  STACK_SUBNET: '10.213.54.0/24',
  STACK_HEALTH_INTERVAL: '5s',
  PUBLISH_ADDRESS: '127.0.0.1',
  PUBLISH_SMTP: '21025',
  PUBLISH_HTTP: '21080',
  PUBLISH_HTTPS: '21443',
  PUBLISH_SUBMISSIONS: '21465',
  PUBLISH_SUBMISSION: '21587',
  UP_LEAST_DISK: '1GB',
  UP_LEAST_MEMORY: '1GB',
  E2E_RECIPIENT: 'inbox@recipient.test',
  E2E_MAILBOX_URL: 'http://postal-web:5001/_stand-in',
};

/** The stack's folder, configured and with every image built, whether it runs or not. Skips the test where no engine can run. */
export async function prepareStack(): Promise<TestStack> {
  const reason = await ensureEngine();
  if (reason !== undefined) TestRunner.getCurrentTest()?.context.skip(reason);
  const stack = stackIn(stackFolder);
  if (existsSync(join(stackFolder, '.env'))) return stack;
  await buildImages();
  mkdirSync(stackFolder, { recursive: true, mode: 0o700 });
  await stack.mailctl('init', '--domain', 'example.com', '--tls', 'off', '--no-input');
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(join(stackFolder, '.env'), lines.join(''));
  return stack;
}

/** The stack, running: the first caller of a run waits for `up`, the others find it. */
export async function runningStack(): Promise<TestStack> {
  const stack = await prepareStack();
  const { exit, stderr } = await stack.mailctl('up', '--yes', '--no-input');
  if (exit !== 0) throw new Error(`up ended with ${exit}: ${stderr}`);
  return stack;
}

/** What acts on the stack of a folder. */
export function stackIn(dir: string): TestStack {
  const mailctl = (...words: readonly string[]) =>
    exec([process.execPath, program, '-C', dir, ...words], { timeoutMs: commandMs });
  return {
    dir,
    name: stackName,
    mailctl,
    env: (environment, ...words) =>
      exec(['env', ...environment, process.execPath, program, '-C', dir, ...words], { timeoutMs: commandMs }),
    json: async (...words) => JSON.parse((await mailctl(...words, '--json')).stdout) as Envelope,
    docker: (...words) => exec(['docker', ...words], { timeoutMs: commandMs }),
  };
}

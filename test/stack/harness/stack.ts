import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TestRunner } from 'vitest';

import { exec, type Finished } from '../../../src/adapters/exec.ts';
import { ensureEngine } from './engine.ts';
import { buildImages, imageVariables } from './images.ts';

export const mailctlProgram = new URL('../../../bin/mailctl.js', import.meta.url).pathname;
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

const stackName = 'mailctl-test';
/** One folder for all test files of a run: the stack that one brought up the next one finds. */
export const stackFolder = join(tmpdir(), `mailctl-test-stack-${process.getuid?.() ?? 0}`);

const limits = {
  STACK_HEALTH_INTERVAL: '2s',
  STATUS_INTERVAL: '500ms',
  UP_LEAST_DISK: '1GB',
  UP_LEAST_MEMORY: '1GB',
  // Nothing runs by itself while a test looks at it.
  SCHEDULE_POSTAL_RESCUE: 'off',
  SCHEDULE_KEYS_ROTATE: 'off',
  SCHEDULE_BACKUP_COPY: 'off',
};

/** Where sets are copied to, within the operator's folder. */
export const copyFolder = 'elsewhere';

const settings = {
  ...imageVariables,
  ...limits,
  BACKUP_COPY_DIR: copyFolder,
  STACK_NAME: stackName,
  STACK_SUBNET: '10.213.54.0/24',
  PUBLISH_ADDRESS: '127.0.0.1',
  PUBLISH_SMTP: '21025',
  PUBLISH_HTTP: '21080',
  PUBLISH_HTTPS: '21443',
  PUBLISH_SUBMISSIONS: '21465',
  PUBLISH_SUBMISSION: '21587',
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
  await configure(stack, settings);
  return stack;
}

async function configure(stack: TestStack, values: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(stack.dir, { recursive: true, mode: 0o700 });
  mkdirSync(join(stack.dir, copyFolder));
  chmodSync(join(stack.dir, copyFolder), 0o777);
  await stack.mailctl('init', '--domain', 'example.com', '--tls', 'off', '--no-input');
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(join(stack.dir, '.env'), lines.join(''));
}

/** A stack beside the other one for what is to go wrong, with nothing of it running; its data go with it. */
export interface SpoiltStack extends TestStack, AsyncDisposable {
  /** Writes these variables over those of `.env`, and what the operator adds to the Compose file. */
  spoil(values: Readonly<Record<string, string>>, override?: object): void;
}

/** Makes one. Its ports are taken by nothing that runs here. */
export async function spoiltStack(): Promise<SpoiltStack> {
  await prepareStack();
  const dir = mkdtempSync(join(tmpdir(), 'mailctl-test-spoilt-'));
  const name = 'mailctl-test-spoilt';
  const stack = { ...stackIn(dir), name };
  const ports = Object.entries(settings).filter(([variable]) => variable.startsWith('PUBLISH_'));
  const moved = ports.map(([variable, value]) => [variable, value.replace(/^21/, '22')]);
  const own = { STACK_NAME: name, STACK_SUBNET: '10.213.55.0/24' };
  await configure(stack, { ...settings, ...(Object.fromEntries(moved) as Record<string, string>), ...own });
  const written = readFileSync(join(dir, '.env'), 'utf8');
  return {
    ...stack,
    spoil: (values, override = { services: {} }) => {
      writeFileSync(join(dir, '.env'), withValues(written, values));
      writeFileSync(join(dir, 'compose.override.yaml'), JSON.stringify(override));
    },
    [Symbol.asyncDispose]: async () => {
      await stack.mailctl('down', '--volumes', '--confirm', name, '--yes');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The lines of an `.env` with these values in place of its own. */
export function withValues(written: string, values: Readonly<Record<string, string>>): string {
  const own = written.split('\n').filter((line) => !Object.hasOwn(values, line.split('=')[0] ?? ''));
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  return [own.join('\n'), ...lines].join('');
}

/** The stack, running: the first caller of a run waits for `up`, the others find it. */
export async function runningStack(): Promise<TestStack> {
  const stack = await prepareStack();
  const { exit, stderr } = await stack.mailctl('up', '--yes', '--no-input');
  if (exit !== 0) throw new Error(`up ended with ${exit}: ${stderr}`);
  return stack;
}

/** What acts on the stack of a folder. */
function stackIn(dir: string): TestStack {
  const mailctl = (...words: readonly string[]) =>
    exec([process.execPath, mailctlProgram, '-C', dir, ...words], { timeoutMs: commandMs });
  return {
    dir,
    name: stackName,
    mailctl,
    env: (environment, ...words) =>
      exec(['env', ...environment, process.execPath, mailctlProgram, '-C', dir, ...words], {
        timeoutMs: commandMs,
      }),
    json: async (...words) => JSON.parse((await mailctl(...words, '--json')).stdout) as Envelope,
    docker: (...words) => exec(['docker', ...words], { timeoutMs: commandMs }),
  };
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { askForEngine } from './engine.ts';
import { awaitWords, engineFolder, type Leashed, startLeashed } from './leash.ts';
import { findProgram } from './programs.ts';

const redisServer = { program: 'redis-server', debianPackage: 'redis-server', folder: 'usr/bin' } as const;

/** A Redis of one test, to be stopped, paused and started again; it comes back at the same address, having forgotten all. */
export interface PrivateRedis extends AsyncDisposable {
  /** As REDIS_URL. */
  readonly url: string;
  start(): Promise<void>;
  /** Kills it. */
  stop(): Promise<void>;
  /** Lets it hang: it is there, and says nothing. */
  pause(): void;
  resume(): void;
}

/** Starts a Redis on a unix socket where this machine can run one (else the test is skipped), with a password where one is given. */
export async function privateRedis(password?: string): Promise<PrivateRedis> {
  await askForEngine('redis', z.unknown());
  const { path, libraries } = await findProgram(redisServer);
  const place = await mkdtemp(join(tmpdir(), 'redis-'));
  const socket = join(place, 'socket');
  let running: Leashed | undefined;
  const start = async () => {
    const flags = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
    const secret = password === undefined ? [] : ['--requirepass', password];
    running = startLeashed(await engineFolder('redis'), [path, ...flags, ...secret], libraries);
    await awaitWords(running, 'ready to accept connections');
  };
  const stop = async () => {
    await running?.stop();
    running = undefined;
  };
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    if (running?.process.pid !== undefined) process.kill(-running.process.pid, name);
  };
  await start();
  return {
    url: `unix://${socket}`,
    start,
    stop,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      signal('SIGCONT');
      await stop();
      await rm(place, { recursive: true, force: true });
    },
  };
}

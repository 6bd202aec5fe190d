import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { quickPlaces } from './quick-places.ts';

/** Runs "$@" until standard input ends, then kills it and removes folder $1: what tests leave there nobody misses. */
const leash = `
folder=$1
shift
exec 3<&0 </dev/null
trap '' PIPE
"$@" 3<&- &
child=$!
{ read -r _ <&3; kill -KILL "$child"; } &
exec 3<&-
wait "$child"
kill -KILL "$!" 2>/dev/null
rm -rf "$folder"
`;

/** A short folder for an engine's files and its socket. */
export async function engineFolder(name: string): Promise<string> {
  const [place = tmpdir()] = await quickPlaces();
  return mkdtemp(join(place, `mailctl-${name}-`));
}

/** A program that dies, and whose folder goes, with this process. */
export interface Leashed {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts a program in `folder`; `libraries` is its LD_LIBRARY_PATH. */
export function startLeashed(folder: string, argv: readonly string[], libraries: readonly string[]): Leashed {
  const child = spawn('/bin/sh', ['-c', leash, 'mailctl-engine', folder, ...argv], {
    cwd: folder,
    detached: true,
    env: {
      PATH: process.env['PATH'],
      LC_ALL: 'C',
      ...(libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(':') }),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(() => rm(folder, { recursive: true, force: true }));
  return {
    process: child,
    ended,
    stop: async () => {
      child.stdin.destroy();
      await ended;
    },
  };
}

/** Waits until the program says `words`. Ends it and fails with its last lines when it says nothing of the kind for a minute. */
export async function awaitWords(leashed: Leashed, words: string): Promise<void> {
  const said: string[] = [];
  const heard = new Promise<void>((resolve) => {
    const listen = (line: string) => {
      said.push(line);
      if (line.includes(words)) resolve();
    };
    createInterface(leashed.process.stdout).on('line', listen);
    createInterface(leashed.process.stderr).on('line', listen);
  });
  const late = new AbortController();
  const timeUp = sleep(60_000, undefined, { signal: late.signal }).catch(() => undefined);
  const started = await Promise.race([heard.then(() => true), leashed.ended, timeUp]);
  late.abort();
  if (started) return;
  await leashed.stop();
  throw new Error(`it did not start: ${said.slice(-3).join(' | ')}`);
}

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** A program with all the processes it starts; they end with SIGTERM when it is stopped, and when this process dies. */
export interface ProcessGroup extends AsyncDisposable {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** The program itself, not the shell that holds it. */
  pid(): Promise<number>;
  /** All it has said so far on both streams. */
  said(): string;
}

/** Starts "$@" and ends the whole group when standard input ends or the program does. */
const holder = `
exec 4<&0 </dev/null
"$@" 3>&- 4<&- &
program=$!
echo "pid $program" >&3
exec 3>&-
{ read -r _ <&4; kill -TERM 0; } &
wait "$program"
kill -TERM 0
`;

/** Starts a program in a process group of its own, with nothing of this environment but PATH. */
export function startGroup(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): ProcessGroup {
  const child = spawn('/bin/sh', ['-c', holder, 'process-group', ...argv], {
    detached: true,
    env: { PATH: process.env['PATH'], LC_ALL: 'C', ...environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let text = '';
  const listen = (chunk: Buffer) => {
    text += String(chunk);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const told = once(child.stdio[3] as Readable, 'data').then(([line]) => Number(String(line).split(' ')[1]));
  const ended = once(child, 'close');
  return {
    process: child as ProcessGroup['process'],
    pid: () => told,
    said: () => text,
    [Symbol.asyncDispose]: async () => {
      child.stdin.destroy();
      await ended;
    },
  };
}

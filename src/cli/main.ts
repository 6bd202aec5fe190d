import { run } from './run.ts';
import type { Terminal, TextSink } from './terminal.ts';

const stop = new AbortController();

/** The first signal asks the command to stop, the second ends the process at once. */
function hearSignals(): void {
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exit);
      stop.abort(signal);
    });
  }
}

/** A reader that has gone, as in `mailctl … | head`, is no error: the rest of the output is dropped. */
function sinkTo(stream: NodeJS.WriteStream): TextSink {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    if (stream !== process.stderr) process.stderr.write(`✘ the output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  return { isTerminal: stream.isTTY === true, write: (text) => void stream.write(text) };
}

/** Undefined when the folder was removed under us. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

hearSignals();
const terminal: Terminal = {
  environment: process.env,
  cwd: currentFolder(),
  uid: process.getuid?.(),
  stdout: sinkTo(process.stdout),
  stderr: sinkTo(process.stderr),
  canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
  prompts: async () => {
    const { openPrompts } = await import('./prompts.ts');
    return openPrompts({ input: process.stdin, output: process.stderr }, stop.signal);
  },
};
const exit = await run(process.argv.slice(2), terminal, stop.signal);
// What an interrupted command still waits for, such as a connection, must not hold the process.
if (stop.signal.aborted) process.exit(exit);
process.exitCode = exit;

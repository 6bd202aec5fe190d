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
    if (error.code !== 'EPIPE') throw error;
  });
  return { isTerminal: stream.isTTY === true, write: (text) => void stream.write(text) };
}

hearSignals();
const terminal: Terminal = {
  environment: process.env,
  cwd: process.cwd(),
  uid: process.getuid?.(),
  stdout: sinkTo(process.stdout),
  stderr: sinkTo(process.stderr),
  canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
};
process.exitCode = await run(process.argv.slice(2), terminal, stop.signal);

// The worker itself, as `mailctl worker` runs it: configuration from the environment, log on stdout, ends on SIGTERM.
import { loadConfig } from '../../src/config/load.ts';
import { main } from '../../src/services/worker/main.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await main(
  loadConfig('worker', { environment: process.env, file: undefined, readFile: () => '' }),
  stop.signal,
);

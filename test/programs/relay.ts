// The relay itself, as `mailctl relay` runs it: configuration from the environment, log on stdout, ends on SIGTERM.
import { liveConfig } from '../../src/config/live.ts';
import { main } from '../../src/services/relay/main.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await main(
  await liveConfig('relay', async () => ({ environment: process.env, file: undefined, readFile: () => '' })),
  stop.signal,
);

// The worker itself, as `mailctl worker` runs it: configuration from the environment, log on stdout, ends on SIGTERM.
import './stepping-date.ts';

import { liveConfig } from '../../src/config/live.ts';
import { main } from '../../src/services/worker/main.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await main(
  await liveConfig('worker', async () => ({ environment: process.env, file: undefined, readFile: () => '' })),
  stop.signal,
);

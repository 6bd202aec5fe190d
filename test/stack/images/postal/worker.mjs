// Postal's worker: the stand-in delivers within its web process, so here is only what the health check sees.
import { serveHealth } from './health.mjs';

serveHealth(9090);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

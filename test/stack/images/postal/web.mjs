// Postal's web process: the stand-in on port 5000, with the key and names of /config.
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

import { systemClock } from '/opt/mailctl/dist/adapters/clock.js';
import { openLog } from '/opt/mailctl/dist/adapters/log.js';
import { systemRandom } from '/opt/mailctl/dist/adapters/random.js';
import { Secret } from '/opt/mailctl/dist/domain/secret.js';
import { startPostalStandIn } from '/opt/mailctl/dist/postal-stand-in/start.js';
import { setting } from './configuration.mjs';
import { openKept } from './kept.mjs';
import { openOutside } from './outside.mjs';

const { own, registry, ledger } = await openKept();
const running = await startPostalStandIn(
  {
    listen: { host: '0.0.0.0', port: 5000 },
    webHostname: setting('postal', 'web_hostname'),
    apiKeys: [],
    domains: [],
    signingKey: new Secret(readFileSync('/config/signing.key', 'utf8')),
    tracking: { byDomain: true },
    serverToken: own.serverToken,
    dkim: { key: new Secret(own.dkim), selector: own.selector },
    registry,
  },
  {
    clock: systemClock,
    random: systemRandom,
    log: openLog('postal-web', 'info', process.stdout),
    outside: openOutside(),
    ledger,
  },
);
for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => void running.stop().then(() => process.exit(0)));

// Tests read the mailbox by the container's name, which Postal's web server takes for a foreign Host.
createServer((asked, answer) => {
  const headers = { ...asked.headers, host: setting('postal', 'web_hostname') };
  const passed = request({ port: 5000, method: asked.method, path: asked.url, headers }, (said) => {
    answer.writeHead(said.statusCode ?? 502, said.headers);
    said.pipe(answer);
  });
  passed.on('error', () => answer.destroy());
  asked.pipe(passed);
}).listen(5001, '0.0.0.0');

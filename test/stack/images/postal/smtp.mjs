// Postal's SMTP server as far as the stack looks at it: it greets, and takes nothing.
import { createServer } from 'node:net';

import { setting } from './configuration.mjs';
import { serveHealth } from './health.mjs';

const name = setting('postal', 'smtp_hostname');

function converse(socket) {
  socket.on('error', () => socket.destroy());
  socket.write(`220 ${name} ESMTP Postal\r\n`);
  socket.on('data', (bytes) => {
    const said = bytes.toString('latin1').toUpperCase();
    if (said.startsWith('QUIT')) socket.end('221 Closing Connection\r\n');
    else if (said.startsWith('EHLO'))
      socket.write('250-My capabilities are\r\n250 AUTH CRAM-MD5 PLAIN LOGIN\r\n');
    else socket.write('502 Invalid/unsupported command\r\n');
  });
}

createServer(converse).listen(25, '::');
serveHealth(9091);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

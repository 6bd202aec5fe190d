// Postal's SMTP server as far as the stack looks at it: it greets, offers STARTTLS with the certificate it read at its start, and takes nothing.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

import { setting } from './configuration.mjs';
import { serveHealth } from './health.mjs';

const name = setting('postal', 'smtp_hostname');
const context = setting('smtp_server', 'tls_enabled')
  ? createSecureContext({
      cert: readFileSync(setting('smtp_server', 'tls_certificate_path')),
      key: readFileSync(setting('smtp_server', 'tls_private_key_path')),
    })
  : undefined;
const offers = ['AUTH CRAM-MD5 PLAIN LOGIN', ...(context ? ['STARTTLS'] : [])];

function greet(socket) {
  socket.write(`220 ${name} ESMTP Postal\r\n`);
  converse(socket, context);
}

function converse(socket, secureContext) {
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    const said = bytes.toString('latin1').toUpperCase();
    if (said.startsWith('QUIT')) socket.end('221 Closing Connection\r\n');
    else if (said.startsWith('EHLO')) socket.write(capabilities());
    else if (said.startsWith('STARTTLS') && secureContext) secure(socket, secureContext);
    else socket.write('502 Invalid/unsupported command\r\n');
  });
}

function capabilities() {
  const lines = ['My capabilities are', ...offers];
  return lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('');
}

function secure(socket, secureContext) {
  socket.removeAllListeners('data');
  socket.write('220 Ready to start TLS\r\n');
  converse(new TLSSocket(socket, { isServer: true, secureContext }), undefined);
}

createServer(greet).listen(25, '::');
serveHealth(9091);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../../src/adapters/free-port.ts';
import { annPlain, relayEnvironment, writeCertificate } from '../../services/relay/running-door.ts';
import { type MailServer, serve, serverFolder } from './served-program.ts';

const programs = fileURLToPath(new URL('../../programs/', import.meta.url));
const mailctl = fileURLToPath(new URL('../../../bin/mailctl.js', import.meta.url));

/** The relay as it is built and run: AUTH, journal on the disk, shipping to `apiUrl` while it accepts. */
export function startOurRelay(apiUrl: string): Promise<MailServer> {
  return start('our relay', [mailctl, 'relay'], { API_INTERNAL_URL: apiUrl });
}

/** The same engine, where keeping a message does nothing; the compiler it is loaded with is in its memory. */
export function startOurNoOp(): Promise<MailServer> {
  return start(
    'our no-op',
    ['--import', join(programs, 'typescript.mjs'), join(programs, 'noop-relay.ts')],
    {},
  );
}

async function start(
  name: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<MailServer> {
  const folder = await serverFolder('ours');
  await writeCertificate(folder);
  const ports = { plain: await freePort(), tls: await freePort() };
  return serve({
    name,
    argv: [process.execPath, ...args],
    environment: {
      ...relayEnvironment(folder),
      RELAY_SUBMISSION_LISTEN: 'off',
      RELAY_PRIVATE_LISTEN: `127.0.0.1:${ports.plain}`,
      RELAY_TLS_LISTEN: `127.0.0.1:${ports.tls}`,
      ...variables,
    },
    folder,
    ports,
    auth: annPlain,
  });
}

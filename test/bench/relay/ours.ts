import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../../src/adapters/free-port.ts';
import { annPlain, relayEnvironment, writeCertificate } from '../../services/relay/running-door.ts';
import { type RealApi, startRealApi } from './behind.ts';
import { type MailServer, serve, serverFolder } from './served-program.ts';

const programs = fileURLToPath(new URL('../../programs/', import.meta.url));
const mailctl = fileURLToPath(new URL('../../../bin/mailctl.js', import.meta.url));

/** How the image starts Node. */
const asInImage = ['--max-semi-space-size=4'];

/** The relay as it is built and run: AUTH, journal on the disk, shipping to `apiUrl` what it accepts. */
export async function startOurRelay(
  apiUrl: string,
  name = 'our relay',
  more: Readonly<Record<string, string>> = {},
): Promise<OurRelay> {
  const health = `127.0.0.1:${await freePort()}`;
  const variables = {
    API_INTERNAL_URL: apiUrl,
    RELAY_HEALTH_LISTEN: health,
    RELAY_JOURNAL_MAX_BYTES: '30GB',
    ...more,
  };
  const server = await start(name, [...asInImage, mailctl, 'relay'], variables);
  return { ...server, backlog: () => backlogAt(`http://${health}/metrics`) };
}

/** A relay that says what it owes the api. */
export interface OurRelay extends MailServer {
  /** Messages. */
  backlog(): Promise<number>;
}

async function backlogAt(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return Number(/^mailctl_relay_backlog_records\S* (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}

/** The same relay with a real api and PostgreSQL behind it, on the same cores; it is settled when they have everything. */
export async function startShippingRelay(
  name: string,
): Promise<OurRelay & { readonly api: RealApi; settled(): Promise<void> }> {
  const api = await startRealApi();
  const relay = await startOurRelay(api.url, name);
  return {
    ...relay,
    api,
    settled: async () => {
      while ((await relay.backlog()) > 0) await sleep(100);
    },
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
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
      RELAY_SWEEP_INTERVAL: '1s',
      // As its peers, which ask for none.
      RELAY_NICE: '0',
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

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { makeSelfSignedCertificate } from '../../../src/adapters/certificate.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { imageOf } from './images.ts';
import type { TestStack } from './stack.ts';

/** Pebble, a certificate authority for tests, in a container beside those of the stack. */
export interface Authority extends AsyncDisposable {
  /** The ACME directory as certbot's container reaches it. */
  readonly directory: string;
  /** What vouches for the directory, and for what was issued; paths below the operator's folder. */
  readonly caFile: string;
  readonly rootFile: string;
  /** Leads every name to where nginx is now: it has another address whenever containers were made anew. */
  followNginx(): Promise<void>;
  /** Leads the challenges of a name to another address. */
  lead(name: string, address: string): Promise<void>;
}

const name = 'mailctl-test-pebble';
const waitMs = 60_000;

/** Starts one in the network of a running stack; every name leads to its nginx. */
export async function startPebble(stack: TestStack): Promise<Authority> {
  const folder = join(stack.dir, 'pebble');
  await writeSettings(folder);
  const servers = [
    `pebble-challtestsrv -defaultIPv4 '' -defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 '' -dns01 127.0.0.1:8053 -management :8055 &`,
    'exec pebble -config /pebble/pebble.json -dnsserver 127.0.0.1:8053',
  ];
  await stack.docker('rm', '--force', name);
  const settings = ['PEBBLE_VA_NOSLEEP=1', 'PEBBLE_WFE_NONCEREJECT=0', 'PEBBLE_AUTHZREUSE=0'];
  const flags = [
    `--name=${name}`,
    `--network=${stack.name}_front`,
    '--network-alias=pebble',
    `--volume=${folder}:/pebble:ro`,
    ...settings.map((setting) => `--env=${setting}`),
  ];
  const program = ['sh', '-c', servers.join('\n')];
  const started = await stack.docker('run', '--detach', ...flags, imageOf('pebble'), ...program);
  if (started.exit !== 0) throw new Error(`pebble does not start: ${started.stderr}`);
  const address = await addressOf(stack, name);
  const root = await firstAnswer(`https://${address}:15000/roots/0`);
  writeFileSync(join(folder, 'root.pem'), root, { mode: 0o600 });
  const manage = async (path: string, body: unknown) => {
    const { ok } = await fetch(`http://${address}:8055/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!ok) throw new Error(`pebble-challtestsrv refuses ${path}`);
  };
  const followNginx = async () =>
    manage('set-default-ipv4', { ip: await addressOf(stack, `${stack.name}-nginx-1`) });
  await followNginx();
  return {
    directory: 'https://pebble:14000/dir',
    caFile: 'pebble/authority.pem',
    rootFile: 'pebble/root.pem',
    followNginx,
    lead: (host, to) => manage('add-a', { host: `${host}.`, addresses: [to] }),
    [Symbol.asyncDispose]: async () => {
      await stack.docker('rm', '--force', '--volumes', name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function writeSettings(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { certificatePem, keyPem } = await makeSelfSignedCertificate(['pebble'], new Date(), 2);
  writeFileSync(join(folder, 'authority.pem'), certificatePem, { mode: 0o600 });
  writeFileSync(join(folder, 'authority.key'), keyPem.reveal(), { mode: 0o600 });
  const pebble = {
    listenAddress: '0.0.0.0:14000',
    managementListenAddress: '0.0.0.0:15000',
    certificate: '/pebble/authority.pem',
    privateKey: '/pebble/authority.key',
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble }));
}

async function addressOf({ docker, name: project }: TestStack, container: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${project}_front").IPAddress}}`;
  const { stdout, stderr } = await docker('inspect', '--format', format, container);
  if (stdout.trim() === '') throw new Error(`${container} has no address: ${stderr}`);
  return stdout.trim();
}

async function firstAnswer(url: string): Promise<string> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const body = await ask(url).catch(() => '');
    if (body !== '') return body;
    if (Date.now() > deadline) throw new Error(`nothing answers at ${url}`);
    await systemClock.sleep(200);
  }
}

/** Its own HTTPS is vouched for by nobody: what it hands out is the root of what it issues. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false }, (answer) => resolve(text(answer)));
    asked.once('error', reject);
    asked.end();
  });
}

import { access, chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeSelfSignedCertificate } from '../../../src/adapters/certificate.ts';
import { freePort } from '../../../src/adapters/free-port.ts';
import { startGroup } from '../../engines/process-group.ts';
import { findProgram } from '../../engines/programs.ts';
import { until } from './until.ts';

/** Pebble: a certificate authority for tests, with a DNS server that leads every name to the loopback. */
export interface Authority extends AsyncDisposable {
  readonly directory: string;
  /** What vouches for the authority's own HTTPS. */
  readonly caFile: string;
  /** Leads one name to another address. */
  lead(name: string, address: string): Promise<void>;
}

/** Starts one that looks for challenges at `httpPort`; its files go into `folder`. */
export async function startAuthority(folder: string, httpPort: number): Promise<Authority> {
  const source = { debianPackage: 'pebble', folder: 'usr/bin' } as const;
  const { path: pebble, libraries } = await findProgram({ program: 'pebble', ...source });
  const { path: names } = await findProgram({ program: 'pebble-challtestsrv', ...source });
  const [port, management, dns, controlPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const { certificatePem, keyPem } = await makeSelfSignedCertificate(
    ['localhost', '127.0.0.1'],
    new Date(),
    2,
  );
  const caFile = join(folder, 'authority.pem');
  await writeFile(caFile, certificatePem);
  await writeFile(join(folder, 'authority.key'), keyPem.reveal());
  const settings = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: caFile,
    privateKey: join(folder, 'authority.key'),
    httpPort,
    tlsPort: 9,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  const config = join(folder, 'pebble.json');
  await writeFile(config, JSON.stringify({ pebble: settings }));
  const environment = {
    LD_LIBRARY_PATH: libraries.join(':'),
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_WFE_NONCEREJECT: '0',
    PEBBLE_AUTHZREUSE: '0',
  };
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', ''];
  const flags = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`];
  const server = startGroup(
    [names, ...off, ...flags, '-management', `127.0.0.1:${controlPort}`],
    environment,
  );
  const authority = startGroup([pebble, '-config', config, '-dnsserver', `127.0.0.1:${dns}`], environment);
  const control = `http://127.0.0.1:${controlPort}`;
  const answers = () => fetch(control).then(Boolean, () => false);
  await until(
    async () => authority.said().includes('Listening on') && (await answers()),
    () => `${authority.said()}${server.said()}`,
  );
  return {
    directory: `https://localhost:${port}/dir`,
    caFile,
    lead: async (host, address) => {
      await fetch(`${control}/add-a`, {
        method: 'POST',
        body: JSON.stringify({ host: `${host}.`, addresses: [address] }),
      });
    },
    [Symbol.asyncDispose]: async () => {
      await authority[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A program `certbot` in `folder` that runs the one of this machine, or of Debian's package. */
export async function certbotIn(folder: string): Promise<string> {
  const { path, root } = await findProgram({
    program: 'certbot',
    debianPackage: 'certbot',
    folder: 'usr/bin',
  });
  const unpacked = `PYTHONPATH=${root}/usr/lib/python3/dist-packages exec ${await pythonIn(root ?? '')} ${path} "$@"`;
  const program = join(folder, 'certbot');
  await writeFile(program, `#!/bin/sh\n${root === undefined ? `exec ${path} "$@"` : unpacked}\n`);
  await chmod(program, 0o755);
  return program;
}

/** Debian's packages are for Debian's Python, whichever stands first in PATH. */
async function pythonIn(root: string): Promise<string> {
  const ofDebian = '/usr/bin/python3';
  return access(ofDebian).then(
    () => ofDebian,
    () => `env PYTHONHOME=${root}/usr ${root}/usr/bin/python3`,
  );
}

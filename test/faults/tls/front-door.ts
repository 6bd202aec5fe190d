import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';

import { makeSelfSignedCertificate } from '../../../src/adapters/certificate.ts';
import { freePort } from '../../../src/adapters/free-port.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { platformNames } from '../../../src/operations/tls/names.ts';
import type { NginxPlaces } from '../../../src/operations/tls/nginx.ts';
import { renderTls } from '../../../src/operations/tls/render.ts';
import { sourcesOf } from '../../config/valid-sources.ts';
import { type ProcessGroup, startGroup } from '../../engines/process-group.ts';
import { findProgram } from '../../engines/programs.ts';
import { until } from './until.ts';

export const trackingNames = ['track.postal.example.com', 'click.example.com'];

/** A folder as the stack's containers see it, with everything rendered and a service behind the proxy that says what reached it. */
export interface FrontDoor extends AsyncDisposable {
  readonly folder: string;
  readonly places: NginxPlaces;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** The access log so far. */
  logged(): string;
  /** What reached the service last. */
  seen(): Seen | undefined;
  /** Puts a new self-signed certificate where nginx looks for it, and returns its serial number. */
  placeCertificate(name: string): Promise<string>;
  /** `nginx -t`: its exit code and what it says. */
  check(): { readonly exit: number | null; readonly said: string };
  start(): Promise<ProcessGroup>;
  /** Ends the service behind it. */
  closeService(): Promise<void>;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
}

/** Renders all for free ports of the loopback; `variables` go into the configuration. */
export async function openFrontDoor(variables: Readonly<Record<string, string>> = {}): Promise<FrontDoor> {
  const { path, libraries } = await findProgram({
    program: 'nginx',
    debianPackage: 'nginx',
    folder: 'usr/sbin',
  });
  const folder = await mkdtemp(join(tmpdir(), 'front-door-'));
  await chmod(folder, 0o755);
  const service = await echoService();
  const upstream = `http://127.0.0.1:${(service.server.address() as AddressInfo).port}`;
  const ports = [await freePort(), await freePort()] as const;
  const places: NginxPlaces = {
    http: `127.0.0.1:${ports[0]}`,
    https: `127.0.0.1:${ports[1]}`,
    certificates: join(folder, 'tls'),
    challenges: join(folder, 'acme'),
    sites: join(folder, 'rendered/nginx/sites'),
    scratch: join(folder, 'tmp'),
    accessLog: join(folder, 'access.log'),
    api: upstream,
    postal: upstream,
  };
  await render(folder, places, variables);
  const configuration = join(folder, 'rendered/nginx/nginx.conf');
  const environment = {
    LD_LIBRARY_PATH: libraries.join(':'),
    NGINX_PROGRAM: path,
    CONFIGURATION: configuration,
    CERTIFICATES: places.certificates,
    NGINX_RELOAD_SECONDS: '1',
  };
  return {
    folder,
    places,
    httpPort: ports[0],
    httpsPort: ports[1],
    logged: () => readFileSync(places.accessLog, 'utf8'),
    seen: service.seen,
    placeCertificate: (name) => placeCertificate(join(places.certificates, name), name),
    check: () => {
      const { status, stderr } = spawnSync(path, ['-e', 'stderr', '-t', '-c', configuration], {
        env: environment,
      });
      return { exit: status, said: String(stderr) };
    },
    start: async () => {
      const nginx = startGroup(['sh', join(folder, 'rendered/nginx/start.sh')], environment);
      await until(async () => (await statusOf(ports[0])) === 200, nginx.said);
      return nginx;
    },
    closeService: () => closeServer(service.server),
    [Symbol.asyncDispose]: async () => {
      await closeServer(service.server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function render(folder: string, places: NginxPlaces, variables: Readonly<Record<string, string>>) {
  const config = loadConfig('operator', sourcesOf(variables));
  for (const { path, content, mode } of await renderTls(
    config,
    platformNames(config, trackingNames),
    places,
  )) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { mode });
  }
  for (const place of [places.certificates, places.challenges, places.scratch])
    await mkdir(place, { recursive: true });
}

async function echoService(): Promise<{ server: Server; seen(): Seen | undefined }> {
  let seen: Seen | undefined;
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, bytes };
      response.end('echo');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, seen: () => seen };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => {
    server.close(resolve);
  });
  server.closeAllConnections();
  await closed;
}

async function placeCertificate(folder: string, name: string): Promise<string> {
  const { certificatePem, keyPem } = await makeSelfSignedCertificate([name], new Date(), 30);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'privkey.pem'), keyPem.reveal());
  await writeFile(join(folder, 'fullchain.pem'), certificatePem);
  return new X509Certificate(certificatePem).serialNumber;
}

/** What nginx says of its own health; 0 when nobody answers. */
async function statusOf(port: number): Promise<number> {
  return fetch(`http://127.0.0.1:${port}/nginx-health`).then(
    ({ status }) => status,
    () => 0,
  );
}

/** The serial number that a port shows for a name; undefined when it refuses the handshake. */
export function servedSerial(port: number, name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: name, rejectUnauthorized: false }, () => {
      const peer: PeerCertificate = socket.getPeerCertificate();
      socket.destroy();
      resolve(peer.serialNumber);
    });
    socket.on('error', () => resolve(undefined));
  });
}

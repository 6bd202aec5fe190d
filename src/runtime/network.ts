import { resolve } from 'node:path';

import type { DialledPort, SeenCertificate } from '../adapters/certificate-dial.ts';
import type { Dns } from '../adapters/dns.ts';
import { readValueFile } from '../adapters/files.ts';
import type { Http } from '../adapters/http.ts';
import type { Prober } from '../adapters/prober.ts';
import type { ConfigOf } from '../config/environment.ts';
import type { Opened } from '../domain/opened.ts';
import type { Folder } from './folder.ts';
import { once } from './once.ts';

/** What is asked over the network. */
export interface Network {
  http(): Promise<Http>;
  /** The DNS as the world sees it. */
  dns(): Promise<Dns>;
  /** What the end-to-end check speaks and reads mail with. */
  prober(): Promise<Prober>;
  /** Shakes hands with a port to see the certificate it serves. */
  dialCertificate(port: DialledPort): Promise<SeenCertificate>;
}

/** Opens no connection before it is asked to. */
export function openNetwork(folder: Folder, opened: Opened): Network {
  return {
    http: once(async () => opened.use(await client(await folder.config('operator'), folder.dir))),
    dns: once(async () => connectDns(await folder.config('operator'))),
    prober: once(async () => (await import('../adapters/prober.ts')).prober),
    dialCertificate: async (port) => (await import('../adapters/certificate-dial.ts')).dialCertificate(port),
  };
}

async function client(
  { E2E_TIMEOUT, E2E_SMTP_CA_FILE: path }: ConfigOf<'operator'>,
  dir: string,
): Promise<Http> {
  const { openHttp } = await import('../adapters/http.ts');
  const trust = path === undefined ? {} : { ca: readValueFile(resolve(dir, path)) };
  const bounds = { connections: 4, connectTimeoutMs: E2E_TIMEOUT, mostAnswerBytes: 100 * 1024 * 1024 };
  return openHttp({ ...bounds, ...trust, keepAlive: false });
}

async function connectDns(config: ConfigOf<'operator'>): Promise<Dns> {
  const { dnsAddress } = await import('../config/dns-address.ts');
  return (await import('../adapters/dns.ts')).openDns(dnsAddress(config));
}

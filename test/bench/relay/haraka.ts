import { cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { exec } from '../../../src/adapters/exec.ts';
import { freePort } from '../../../src/adapters/free-port.ts';
import { cacheFolder } from '../../engines/debian-packages.ts';
import { ann, annPlain, writeCertificate } from '../../services/relay/running-door.ts';
import { type MailServer, serve, serverFolder } from './served-program.ts';

const release = '3.3.4';

/** Where Haraka's mail goes: nowhere at all, or into its outbound queue, from which nothing is sent. It syncs no file in either. */
export type HarakaQueue = 'discard' | 'spool';

/** Haraka of npm, one process, with AUTH; fetched into the cache once. Fails saying what npm said. */
export async function startHaraka(queue: HarakaQueue): Promise<MailServer> {
  const program = await fetchHaraka();
  const folder = await serverFolder('haraka');
  const ports = { plain: await freePort(), tls: await freePort() };
  await writeCertificate(folder);
  await mkdir(join(folder, 'queue'));
  await cp(join(dirname(program), '../config'), join(folder, 'config'), { recursive: true });
  for (const [name, text] of Object.entries(configuration(folder, ports, queue))) {
    await writeFile(join(folder, 'config', name), text);
  }
  return serve({
    name: `Haraka, ${queue}`,
    argv: [process.execPath, program, '-c', folder],
    environment: queue === 'discard' ? { YES_REALLY_DO_DISCARD: '1' } : {},
    folder,
    ports,
    auth: annPlain,
  });
}

/** True when it needs no network. */
export async function isHarakaFetched(): Promise<boolean> {
  return exists(programIn(placeOf()));
}

function placeOf(): string {
  return join(cacheFolder(), 'npm', `Haraka-${release}`);
}

function programIn(place: string): string {
  return join(place, 'node_modules/Haraka/bin/haraka');
}

async function fetchHaraka(): Promise<string> {
  const place = placeOf();
  if (await exists(programIn(place))) return programIn(place);
  await mkdir(dirname(place), { recursive: true });
  const bench = await mkdtemp(join(dirname(place), '.fetching-'));
  try {
    const flags = ['--no-audit', '--no-fund', '--omit=optional', '--ignore-scripts'];
    const { exit, stderr } = await exec(
      ['npm', 'install', '--prefix', bench, ...flags, `Haraka@${release}`],
      { timeoutMs: 300_000 },
    );
    if (exit !== 0) throw new Error(`npm could not fetch it: ${stderr.trim().split('\n')[0]}`);
    await rename(bench, place);
  } finally {
    await rm(bench, { recursive: true, force: true });
  }
  return programIn(place);
}

function configuration(folder: string, ports: { plain: number; tls: number }, queue: HarakaQueue) {
  return {
    'smtp.ini': `listen=127.0.0.1:${ports.plain},127.0.0.1:${ports.tls}\nsmtps_port=${ports.tls}\nnodes=0\n`,
    me: 'relay.example.com\n',
    'log.ini': '[main]\nlevel=NOTICE\n',
    plugins: ['tls', 'auth/flat_file', ...(queue === 'discard' ? ['queue/discard'] : [])].join('\n'),
    'auth_flat_file.ini': `[core]\nmethods=PLAIN\nconstrain_sender=false\n[users]\n${ann.username}=${ann.password}\n`,
    'tls.ini': `key=${folder}/key.pem\ncert=${folder}/cert.pem\n`,
    'outbound.ini': 'disabled=true\n',
    'outbound.disabled': 'true\n',
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { runInside } from '../steps/run-inside.ts';

/** Certificate chains in PEM by the name they are kept under. */
export type CertificateChains = ReadonlyMap<string, string>;

/** What is there to be served: from CERT_DIR, else from the volume of the stack, which the container of nginx sees. */
export async function readChains(
  world: Pick<Runtime, 'dir' | 'config' | 'docker'>,
): Promise<CertificateChains> {
  const { CERT_DIR } = await world.config('operator');
  return CERT_DIR === undefined ? fromContainer(world) : fromFolder(resolve(world.dir, CERT_DIR));
}

async function fromFolder(folder: string): Promise<CertificateChains> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new OperatorError('unreachable', `${folder} cannot be read`, {
      hint: 'Set CERT_DIR to the folder that holds NAME/fullchain.pem',
      field: 'CERT_DIR',
      cause,
    });
  });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const read = names.map(async (name) => [name, await chainIn(join(folder, name))] as const);
  return new Map((await Promise.all(read)).filter(([, chain]) => chain !== ''));
}

async function chainIn(folder: string): Promise<string> {
  return readFile(join(folder, 'fullchain.pem'), 'utf8').catch(() => '');
}

const listing = 'for f in /tls/*/fullchain.pem; do [ -f "$f" ] && echo "== $f" && cat "$f"; done; exit 0';

async function fromContainer(world: Pick<Runtime, 'config' | 'docker'>): Promise<CertificateChains> {
  const nginx = (await (await world.docker()).containers()).find(
    ({ service, state }) => service === 'nginx' && state === 'running',
  );
  if (!nginx)
    throw new OperatorError(
      'unreachable',
      'nginx does not run, and only its container sees the certificates',
      {
        hint: 'Start it: mailctl up nginx; or set CERT_DIR where they can be read',
      },
    );
  const { stdout } = await runInside(world, nginx, ['sh', '-c', listing]);
  return new Map(
    stdout
      .split(/^== /m)
      .slice(1)
      .map((part) => {
        const [path = '', ...lines] = part.split('\n');
        return [path.split('/').at(-2) ?? path, lines.join('\n')] as const;
      }),
  );
}

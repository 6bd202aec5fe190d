import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import { isDomainName } from '../../domain/address.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan, Step } from '../plan.ts';

const placeholderDays = 3650;

type World = Pick<Runtime, 'dir' | 'config'>;

/**
 * Plans a self-signed placeholder in CERT_DIR for each name that has no usable certificate, so that whoever serves one can start
 * before the first is issued. What can be used is left alone.
 */
export async function planPlaceholders(
  world: World,
  names: readonly string[],
): Promise<Plan<{ readonly made: readonly string[] }>> {
  const { CERT_DIR } = await world.config('operator');
  if (CERT_DIR === undefined)
    throw new OperatorError('usage', 'CERT_DIR is not set', {
      hint: 'Set it to the folder that certificates are served from',
      field: 'CERT_DIR',
    });
  const strange = names.find((name) => !isDomainName(name));
  if (strange !== undefined)
    throw new OperatorError('usage', `"${strange}" is no domain name`, {
      hint: 'Write for example smtp.example.com',
      field: 'name',
    });
  const folder = resolve(world.dir, CERT_DIR);
  const usable = await Promise.all(names.map((name) => isUsable(join(folder, name))));
  const made = names.filter((_, index) => !usable[index]);
  return {
    title:
      made.length === 0 ? 'Every name has a certificate' : 'Make placeholders until certificates are issued',
    steps: made.map((name) => writePlaceholder(folder, name)),
    result: () => ({ made }),
  };
}

async function isUsable(folder: string): Promise<boolean> {
  try {
    const [chain, key] = await Promise.all(
      ['fullchain.pem', 'privkey.pem'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    return new X509Certificate(chain ?? '').checkPrivateKey(createPrivateKey(key ?? ''));
  } catch {
    return false;
  }
}

/** The key goes first: a certificate is never there without its own. The group is certbot's too, which puts the real one there. */
function writePlaceholder(folder: string, name: string): Step {
  return {
    do: 'write',
    what: `write a self-signed placeholder for ${name}`,
    run: async ({ files, makeCertificate }) => {
      const { certificatePem, keyPem } = await makeCertificate([name], placeholderDays);
      await files.makeFolder(join(folder, name), 0o770);
      await files.write(join(folder, name, 'privkey.pem'), keyPem.reveal(), 0o640);
      await files.write(join(folder, name, 'fullchain.pem'), certificatePem, 0o644);
    },
  };
}

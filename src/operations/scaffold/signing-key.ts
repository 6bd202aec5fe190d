import { createPrivateKey, createPublicKey } from 'node:crypto';

import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { changeFile, type FileChange } from './file-change.ts';
import { type Folder, privateKeyPath, publicKeyPath, secretMode } from './folder.ts';

/** Postal's RSA-2048 signing key: made once, then kept; the public half is always derived from the private one. */
export async function signingKeyChanges(
  { makeRsaKey }: Pick<Runtime, 'makeRsaKey'>,
  { signingKey, publicKey }: Pick<Folder, 'signingKey' | 'publicKey'>,
): Promise<readonly FileChange[]> {
  const key = signingKey ? keptKey(signingKey.content) : await makeRsaKey(2048);
  return [
    changeFile({ path: privateKeyPath, content: key.privatePem, mode: secretMode }, signingKey),
    changeFile({ path: publicKeyPath, content: key.publicPem, mode: secretMode }, publicKey),
  ];
}

function keptKey(pem: string): { readonly privatePem: string | Secret; readonly publicPem: string } {
  try {
    const publicPem = createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' });
    return { privatePem: pem, publicPem: publicPem.toString() };
  } catch (cause) {
    throw new OperatorError('config-invalid', `${privateKeyPath} is no private key; nothing was changed`, {
      hint: 'Put the right key back, or move the file away to have a new one made',
      field: privateKeyPath,
      cause,
    });
  }
}

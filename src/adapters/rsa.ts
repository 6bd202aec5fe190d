import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

import { Secret } from '../domain/secret.ts';

export interface RsaKey {
  /** PKCS#1 PEM, as Postal's signing.key is read. */
  readonly privatePem: Secret;
  /** SPKI PEM. */
  readonly publicPem: string;
}

/** Makes an RSA key of so many bits. */
export async function makeRsaKey(bits: number): Promise<RsaKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { privatePem: new Secret(privateKey), publicPem: publicKey };
}

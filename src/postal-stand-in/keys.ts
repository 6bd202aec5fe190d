import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

import type { Secret } from '../domain/secret.ts';

const generate = promisify(generateKeyPair);

/** The RSA key in a PEM (PKCS#1 or PKCS#8), or a new one of `bits` where there is none. */
export async function rsaKey(pem: Secret | undefined, bits: number): Promise<KeyObject> {
  if (pem) return createPrivateKey(pem.reveal());
  const { privateKey } = await generate('rsa', { modulusLength: bits });
  return privateKey;
}

import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

import { Secret } from './secret.ts';

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes + tagBytes;

/** What opening a sealed secret gives: the secret, or why it cannot be opened with this key. */
export type Unsealed =
  | { readonly ok: true; readonly secret: Secret }
  | { readonly ok: false; readonly why: string };

interface Sealing {
  /** WEBHOOK_SEALING_KEY. */
  readonly key: Secret;
  /** Id of the row the secret belongs to: a sealed value copied into another row does not open. */
  readonly owner: string;
}

/** Seals with AES-256-GCM (NIST SP 800-38D). `nonce` is 12 random bytes that are never used twice. */
export function sealSecret(secret: Secret, { key, owner }: Sealing, nonce: Uint8Array): Uint8Array {
  if (nonce.length !== nonceBytes)
    throw new RangeError(`the nonce has ${nonce.length} bytes, not ${nonceBytes}`);
  const cipher = createCipheriv('aes-256-gcm', cipherKey(key), nonce);
  cipher.setAAD(Buffer.from(owner));
  const hidden = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
  return Buffer.concat([Uint8Array.of(version), nonce, cipher.getAuthTag(), hidden]);
}

/** Opens what `sealSecret` made; says so when key, owner or bytes are not those it was sealed with. */
export function unsealSecret(sealed: Uint8Array, { key, owner }: Sealing): Unsealed {
  if (sealed.length < headBytes || sealed[0] !== version)
    return { ok: false, why: 'it is no sealed secret of this version of mailctl' };
  const decipher = createDecipheriv('aes-256-gcm', cipherKey(key), sealed.subarray(1, 1 + nonceBytes));
  decipher.setAAD(Buffer.from(owner));
  decipher.setAuthTag(sealed.subarray(1 + nonceBytes, headBytes));
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(headBytes)), decipher.final()]);
    return { ok: true, secret: new Secret(plain.toString('utf8')) };
  } catch {
    return { ok: false, why: 'it was sealed with another WEBHOOK_SEALING_KEY, or was changed' };
  }
}

function cipherKey(key: Secret): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key.reveal(), '', 'mailctl webhook secret', 32));
}

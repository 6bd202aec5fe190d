import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

import type { Secret } from './secret.ts';

/** One public key of Postal under the name its webhooks give it. */
export interface PostalKey {
  readonly kid: string;
  readonly key: KeyObject;
}

/** A webhook as it came: the signature covers exactly these octets and nothing else. */
export interface SignedBody {
  readonly body: Uint8Array;
  /** Header X-Postal-Signature-256. */
  readonly signature: string;
}

/**
 * RSA-SHA256 (PKCS #1 v1.5) over the raw octets. False for anything that is not a strict base64 signature by this key. It is done at
 * once: handing it to another thread and back takes longer.
 */
export function isSignedBy({ key }: PostalKey, { body, signature }: SignedBody): boolean {
  const octets = Buffer.from(signature, 'base64');
  return octets.toString('base64') === signature && verify('RSA-SHA256', body, key, octets);
}

/** The key in a PEM text, whose line ends may be written `\n`; undefined when it holds no RSA key. */
export function postalKeyOfPem(pem: string): PostalKey | undefined {
  return postalKey(() => createPublicKey(pem.replaceAll('\\n', '\n')));
}

/** The RSA keys in a text of one or several PEM blocks; blocks that are none are passed over. */
export function postalKeysOfPem(text: string): readonly PostalKey[] {
  const blocks =
    text.replaceAll('\\n', '\n').match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? [];
  return blocks.map(postalKeyOfPem).filter((key) => key !== undefined);
}

/** The RSA keys in a text of public keys as `publicText` writes them, separated by commas. */
export function postalKeysOfTexts(text: string): readonly PostalKey[] {
  return text
    .split(',')
    .filter((one) => one !== '')
    .map((one) =>
      postalKey(() => createPublicKey({ key: Buffer.from(one, 'base64url'), format: 'der', type: 'spki' })),
    )
    .filter((key) => key !== undefined);
}

/** The public half of a private key: its PEM, its name, and a text without blanks (SPKI DER in base64url). */
export function publicHalf(privatePem: Secret): {
  readonly pem: string;
  readonly kid: string;
  readonly text: string;
} {
  const key = createPublicKey(privatePem.reveal());
  return {
    pem: key.export({ type: 'spki', format: 'pem' }).toString(),
    kid: kidOf(key),
    text: key.export({ type: 'spki', format: 'der' }).toString('base64url'),
  };
}

/** The RSA keys of a JWKS (RFC 7517 §5); members that are none are passed over. */
export function postalKeysOfJwks(jwks: unknown): readonly PostalKey[] {
  if (typeof jwks !== 'object' || jwks === null || !('keys' in jwks) || !Array.isArray(jwks.keys)) return [];
  const members: readonly unknown[] = jwks.keys;
  return members
    .filter(isRsa)
    .map((jwk) => postalKey(() => createPublicKey({ key: jwk, format: 'jwk' })))
    .filter((key) => key !== undefined);
}

/** Postal names its key by the lower-case hex SHA-256 of the PKCS #1 RSAPublicKey DER (measured; not RFC 7638). */
export function kidOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'pkcs1', format: 'der' }))
    .digest('hex');
}

function postalKey(read: () => KeyObject): PostalKey | undefined {
  try {
    const key = read();
    return key.asymmetricKeyType === 'rsa' ? { kid: kidOf(key), key } : undefined;
  } catch {
    // What does not parse as a key is no key: the caller decides what that means.
    return undefined;
  }
}

function isRsa(member: unknown): member is JsonWebKey {
  return typeof member === 'object' && member !== null && 'kty' in member && member.kty === 'RSA';
}

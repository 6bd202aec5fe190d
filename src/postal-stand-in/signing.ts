import { createPublicKey, type KeyObject, sign } from 'node:crypto';

import { kidOf } from '../domain/postal-webhook.ts';

/** Signs webhook bodies as Postal's signing.key does. */
export interface WebhookSigner {
  /** Lower-case hex SHA-256 of the PKCS#1 public key; not the RFC 7638 thumbprint. */
  readonly kid: string;
  readonly publicKeyPem: string;
  readonly jwks: string;
  headers(body: Buffer): Readonly<Record<string, string>>;
}

/** A signer with an RSA private key; the same body always gets the same headers. */
export function openSigner(key: KeyObject): WebhookSigner {
  const publicKey = createPublicKey(key);
  const kid = kidOf(publicKey);
  const { n, e } = publicKey.export({ format: 'jwk' });
  const signed = (algorithm: string, body: Buffer) => sign(algorithm, body, key).toString('base64');
  return {
    kid,
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwks: JSON.stringify({ keys: [{ kty: 'RSA', n, e, use: 'sig', alg: 'RS256', kid }] }),
    headers: (body) => ({
      'X-Postal-Signature-Kid': kid,
      'X-Postal-Signature': signed('RSA-SHA1', body),
      'X-Postal-Signature-256': signed('RSA-SHA256', body),
    }),
  };
}

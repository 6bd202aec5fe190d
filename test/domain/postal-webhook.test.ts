import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  isSignedBy,
  kidOf,
  type PostalKey,
  postalKeyOfPem,
  postalKeysOfJwks,
} from '../../src/domain/postal-webhook.ts';

const fixtures = join(import.meta.dirname, '../contracts/fixtures/postal');
const webhooks = join(fixtures, 'webhooks');
const pem = readFileSync(join(fixtures, 'keys/signing.pub.pem'), 'utf8');
const jwks: unknown = JSON.parse(readFileSync(join(fixtures, 'keys/jwks.json'), 'utf8'));
const recorded = readdirSync(webhooks).map((name) => ({ name, ...read(name) }));

function read(name: string) {
  const { headers } = JSON.parse(readFileSync(join(webhooks, name, 'headers.json'), 'utf8')) as {
    headers: Record<string, string>;
  };
  return {
    body: readFileSync(join(webhooks, name, 'body.json')),
    kid: headers['X-Postal-Signature-Kid'] ?? '',
    signature: headers['X-Postal-Signature-256'] ?? '',
    oldSignature: headers['X-Postal-Signature'] ?? '',
  };
}

function keyOf(key: PostalKey | undefined): PostalKey {
  if (!key) throw new Error('the recorded key cannot be read');
  return key;
}

const key = keyOf(postalKeyOfPem(pem));

describe("Postal's recorded webhooks", () => {
  it('are sixteen', () => {
    expect(recorded).toHaveLength(16);
  });

  it.each(recorded)('$name is signed by the recorded key, which it names', (webhook) => {
    expect(webhook.kid).toBe(key.kid);
    expect(isSignedBy(key, webhook)).toBe(true);
  });

  it.each(recorded)('$name is not believed when one octet differs', (webhook) => {
    const body = Buffer.from(webhook.body);
    body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    expect(isSignedBy(key, { ...webhook, body })).toBe(false);
    expect(isSignedBy(key, { ...webhook, body: webhook.body.subarray(0, -1) })).toBe(false);
  });

  it.each(recorded)('$name is not believed by its SHA-1 signature', ({ body, oldSignature }) => {
    expect(isSignedBy(key, { body, signature: oldSignature })).toBe(false);
  });

  it('are not believed when they were parsed and written again', () => {
    const changed = recorded.filter(
      ({ body }) => JSON.stringify(JSON.parse(body.toString())) !== body.toString(),
    );
    expect(changed.length).toBeGreaterThan(0);
    for (const webhook of changed) {
      const body = Buffer.from(JSON.stringify(JSON.parse(webhook.body.toString())));
      expect([webhook.name, isSignedBy(key, { ...webhook, body })]).toEqual([webhook.name, false]);
    }
  });
});

describe('a signature', () => {
  const foreign = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const body = Buffer.from('{}');

  it('by a foreign key is not believed', () => {
    const signature = sign('RSA-SHA256', body, foreign.privateKey).toString('base64');
    expect(isSignedBy({ kid: kidOf(foreign.publicKey), key: foreign.publicKey }, { body, signature })).toBe(
      true,
    );
    expect(isSignedBy(key, { body, signature })).toBe(false);
  });

  it.each(['', 'AAAA', 'not base64!', 'AAAAAAAA\n', 'AAAAAAAA===='])('is not read from %j', (signature) => {
    expect(isSignedBy(key, { body, signature })).toBe(false);
  });
});

describe('the key', () => {
  it('has the name that the JWKS gives it', () => {
    expect(postalKeysOfJwks(jwks).map(({ kid }) => kid)).toEqual([key.kid]);
  });

  it('is read from a PEM on one line with \\n', () => {
    expect(postalKeyOfPem(pem.trim().replaceAll('\n', '\\n'))?.kid).toBe(key.kid);
  });

  it('is none when the text or the set holds none', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    expect(postalKeyOfPem('no key')).toBeUndefined();
    expect(postalKeyOfPem(ec.export({ type: 'spki', format: 'pem' }).toString())).toBeUndefined();
    for (const set of [
      undefined,
      null,
      'x',
      {},
      { keys: {} },
      { keys: [1, null, { kty: 'RSA' }, { kty: 'oct' }] },
    ])
      expect(postalKeysOfJwks(set)).toEqual([]);
    expect(createPublicKey(pem).asymmetricKeyType).toBe('rsa');
  });
});

import { describe, expect, it } from 'vitest';

import { parseEnvFile } from '../../../src/config/env-file.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { Folder } from '../../../src/operations/scaffold/folder.ts';
import { planInit } from '../../../src/operations/scaffold/init.ts';
import { writtenTls } from '../../../src/operations/scaffold/values.ts';

const canary = 'cAnArY-cAnArY-cAnArY-0123456789';
const world = {
  dir: '/srv/mail',
  random: {
    secret: () => new Secret(canary),
    bytes: () => new Uint8Array(),
    fraction: () => 0,
    letters: () => '',
  },
  makeRsaKey: async () => ({ privatePem: new Secret(canary), publicPem: 'public' }),
};
const answers = {
  domain: 'example.com',
  adminEmail: 'ops@example.com',
  tls: 'acme',
  asked: new Set<never>(),
} as const;
const nothing: Folder = {
  env: undefined,
  signingKey: undefined,
  publicKey: undefined,
  missingFolders: ['secrets'],
};

describe('planning an init', () => {
  it('makes folders first and .env last, so that a .env never names what is not there', async () => {
    const { steps } = await planInit(world, nothing, answers);
    expect(steps.map(({ what }) => what)).toEqual([
      'make the folder secrets (0700)',
      'write secrets/postal-signing.key (0600)',
      'write secrets/postal-signing.pub (0600)',
      'write .env (0600)',
    ]);
  });

  it('shows the secrets to no one', async () => {
    const plan = await planInit(world, nothing, answers);
    expect(JSON.stringify([plan, plan.result()])).not.toContain('cAnArY');
  });

  it('names the certificate to bring, and the way to a platform that is proven and backed up, as what comes next', async () => {
    const plan = await planInit(world, nothing, { ...answers, tls: 'files' });
    expect(plan.result().next).toEqual([
      'Put a certificate for every name at secrets/tls.crt, and its key at secrets/tls.key',
      'mailctl config check',
      'mailctl up',
      'mailctl e2e',
      'mailctl backup key make --out escrow.key, and take that file off this host',
    ]);
  });
});

describe('where the certificates of a .env come from', () => {
  it.each([
    ['RELAY_SUBMISSION_LISTEN=off', 'off'],
    ['RELAY_TLS_CERT_FILE=secrets/tls.crt', 'files'],
    ['RELAY_TLS_CERT_FILE=/etc/letsencrypt/live/smtp.example.com/fullchain.pem', 'acme'],
    ['RELAY_TLS_CERT_FILE=/etc/ssl/mine.pem', undefined],
    ['', undefined],
  ])('is read from %j', (content, tls) => {
    expect(writtenTls(parseEnvFile(content))).toBe(tls);
  });
});

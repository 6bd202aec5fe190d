import forge from 'node-forge';

import { Secret } from '../domain/secret.ts';
import { makeRsaKey } from './rsa.ts';

export interface Certificate {
  readonly certificatePem: string;
  readonly keyPem: Secret;
}

/** Makes a self-signed certificate for host names and IP addresses, valid from a day before `now` for so many days. */
export async function makeSelfSignedCertificate(
  names: readonly string[],
  now: Date,
  validDays: number,
): Promise<Certificate> {
  const { privateKey, publicKey } = await rsaKey();
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  certificate.validity.notBefore = daysAfter(now, -1);
  certificate.validity.notAfter = daysAfter(now, validDays);
  const subject = [{ name: 'commonName', value: names[0] ?? 'localhost' }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: names.map(alternativeName) },
  ]);
  certificate.sign(privateKey, forge.md.sha256.create());
  return {
    certificatePem: forge.pki.certificateToPem(certificate),
    keyPem: new Secret(forge.pki.privateKeyToPem(privateKey)),
  };
}

async function rsaKey(): Promise<forge.pki.rsa.KeyPair> {
  const { privatePem, publicPem } = await makeRsaKey(2048);
  return {
    privateKey: forge.pki.privateKeyFromPem(privatePem.reveal()),
    publicKey: forge.pki.publicKeyFromPem(publicPem),
  };
}

function alternativeName(name: string): object {
  return /^[\d.]+$|:/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}

function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * 86_400_000);
}

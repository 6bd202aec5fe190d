import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';

import type { Log } from '../../adapters/log.ts';
import { OperatorError } from '../../domain/failure.ts';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The certificate that new handshakes get; those who shook hands before keep theirs. */
export interface ServedCertificate {
  context(): SecureContext;
  serial(): string;
  expiresAt(): Date;
  /** Reads the files again. One that cannot be used leaves the old one served, and resolves false. */
  reload(): Promise<boolean>;
}

interface Loaded {
  readonly text: string;
  readonly context: SecureContext;
  readonly certificate: X509Certificate;
}

/** Loads certificate and key, TLS 1.2 and later. Fails with `config-invalid` when they cannot be used. */
export async function serveCertificate(files: CertificateFiles, log: Log): Promise<ServedCertificate> {
  let loaded = await load(files);
  return {
    context: () => loaded.context,
    serial: () => loaded.certificate.serialNumber,
    expiresAt: () => new Date(loaded.certificate.validTo),
    reload: async () => {
      const next = await load(files).catch((error: unknown) => {
        log.error('the new certificate cannot be used; the old one is still served', { error });
      });
      if (!next) return false;
      if (next.text !== loaded.text) {
        log.info('a new certificate is served', { serial: next.certificate.serialNumber });
        loaded = next;
      }
      return true;
    },
  };
}

async function load({ certFile, keyFile }: CertificateFiles): Promise<Loaded> {
  const cert = await read(certFile, 'RELAY_TLS_CERT_FILE');
  const key = await read(keyFile, 'RELAY_TLS_KEY_FILE');
  try {
    const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2', honorCipherOrder: true });
    return { text: `${cert}${key}`, context, certificate: new X509Certificate(cert) };
  } catch (cause) {
    throw new OperatorError('config-invalid', `${certFile} and ${keyFile} are no certificate and its key`, {
      hint: 'Check that both are PEM, and that the key belongs to the certificate: mailctl cert status',
      field: 'RELAY_TLS_CERT_FILE',
      cause,
    });
  }
}

async function read(path: string, field: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new OperatorError('config-invalid', `${path} cannot be read`, {
      hint: `Set ${field} to a file the relay may read`,
      field,
      cause,
    });
  });
}

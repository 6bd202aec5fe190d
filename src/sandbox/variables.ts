import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Certificate } from '../adapters/certificate.ts';
import type { ManagedPostgres } from '../adapters/managed-postgres.ts';
import type { RsaKey } from '../adapters/rsa.ts';
import { allVariables, environment, type VariableName } from '../config/environment.ts';
import { renderEnvFile } from '../config/env-template.ts';
import type { Random } from '../adapters/random.ts';
import type { Variable } from '../config/variable.ts';

/** Texts of variables as a `.env` would give them. */
export type Texts = Partial<Record<VariableName, string>>;

/** Reserved by RFC 6761 §6.2: it can belong to nobody. */
export const sandboxDomain = 'sandbox.test';

const files = {
  certificate: 'secrets/tls.crt',
  key: 'secrets/tls.key',
  signingKey: 'secrets/postal-signing.key',
  publicKey: 'secrets/postal-signing.pub',
} as const;

/** Writes the keys of a sandbox into its folder, for its owner alone. */
export async function writeKeys(dir: string, tls: Certificate, signing: RsaKey): Promise<void> {
  await mkdir(join(dir, 'secrets'), { mode: 0o700 });
  const contents = [
    [files.certificate, tls.certificatePem],
    [files.key, tls.keyPem.reveal()],
    [files.signingKey, signing.privatePem.reveal()],
    [files.publicKey, signing.publicPem],
  ] as const;
  for (const [path, content] of contents) await writeFile(join(dir, path), content, { mode: 0o600 });
}

/** What stands for Postal's own program: it hands the script on its standard input to the stand-in. */
const runner = `import { text } from 'node:stream/consumers';

const [url, host] = process.argv.slice(2);
const { request } = await import('node:http');
const body = await text(process.stdin);
const asked = request(url, { method: 'POST', headers: { host, 'content-type': 'application/x-ruby' } }, (answer) => answer.pipe(process.stdout));
asked.once('error', ({ message }) => { console.error(message); process.exitCode = 1; });
asked.end(body);
`;

/** Writes it into the sandbox's folder, and returns the variables with which `postal drift` and `postal apply` find it. */
export async function writeRunner(dir: string, postalUrl: string, postalHost: string): Promise<Texts> {
  await writeFile(join(dir, 'postal-runner.mjs'), runner, { mode: 0o600 });
  return { POSTAL_RUNNER: `node postal-runner.mjs ${postalUrl}/_stand-in/runner ${postalHost}` };
}

/** The configuration before anything listens: every port is still free to be chosen. */
export function firstVariables(dir: string, postgres: ManagedPostgres, random: Random): Texts {
  const { address } = postgres;
  return {
    ...secrets(random),
    MAILCTL_MODE: 'sandbox',
    MAIL_DOMAIN: sandboxDomain,
    ADMIN_EMAIL: `admin@${sandboxDomain}`,
    RELAY_HOSTNAME: `smtp.${sandboxDomain}`,
    POSTAL_HOSTNAME: `postal.${sandboxDomain}`,
    POSTGRES_HOST: address.host,
    POSTGRES_PORT: String(address.port),
    POSTGRES_DATABASE: address.database,
    POSTGRES_USER: address.user,
    POSTGRES_PASSWORD: address.password.reveal(),
    RELAY_SUBMISSION_LISTEN: '127.0.0.1:0',
    RELAY_TLS_LISTEN: '127.0.0.1:0',
    RELAY_HEALTH_LISTEN: '127.0.0.1:0',
    RELAY_TLS_CERT_FILE: join(dir, files.certificate),
    RELAY_TLS_KEY_FILE: join(dir, files.key),
    RELAY_JOURNAL_DIR: join(dir, 'journal'),
    RELAY_SPILL_DIR: join(dir, 'spill'),
    API_LISTEN: '127.0.0.1:0',
    API_INTERNAL_LISTEN: '127.0.0.1:0',
    API_HEALTH_LISTEN: '127.0.0.1:0',
    WORKER_HEALTH_LISTEN: '127.0.0.1:0',
    WORKER_POLL_INTERVAL: '50ms',
    RELAY_NEVER_COUNTED: '127.0.0.0/8',
    WEBHOOK_ALLOWED_ADDRESSES: '127.0.0.0/8,::1/128',
    E2E_RECIPIENT: 'inbox@recipient.test',
    E2E_SMTP_CA_FILE: join(dir, files.certificate),
  };
}

function secrets(random: Random): Texts {
  const generated = allVariables.filter((name) => {
    const { secret, generated }: Variable = environment[name];
    return secret && generated;
  });
  const made = Object.fromEntries(generated.map((name) => [name, random.secret().reveal()]));
  return { ...made, POSTAL_API_KEY: random.letters(24) };
}

/** Writes the `.env` with which `mailctl -C DIR` works on the sandbox as on production. */
export async function writeVariables(dir: string, texts: Texts): Promise<void> {
  const named = allVariables.flatMap((name) => {
    const text = texts[name];
    return text === undefined ? [] : [[name, { text }] as const];
  });
  const publicKey = ['POSTAL_WEBHOOK_PUBLIC_KEY', { text: files.publicKey, inFile: true }] as const;
  await writeFile(join(dir, '.env'), renderEnvFile(new Map([...named, publicKey])), { mode: 0o600 });
}

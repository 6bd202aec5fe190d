import type { Random } from '../../adapters/random.ts';
import type { EnvFile } from '../../config/env-file.ts';
import type { Given } from '../../config/env-template.ts';
import { allVariables, environment, type VariableName } from '../../config/environment.ts';
import type { Variable } from '../../config/variable.ts';

/** Where certificates come from: certbot's folder, files the operator brings, or no TLS (a private network). */
export type Tls = 'acme' | 'files' | 'off';

/** What the operator decided. `asked` names what was said by flag, so that a contradiction is not overlooked. */
export interface Answers {
  readonly domain: string;
  readonly adminEmail: string;
  readonly tls: Tls;
  readonly asked: ReadonlySet<VariableName>;
}

/** The values that follow from the answers. */
export function chosenValues({ domain, adminEmail, tls }: Answers, signingPublicKey: string): Given {
  const web = tls === 'off' ? 'http' : 'https';
  return new Map<VariableName, { text: string; inFile?: true }>([
    ['MAIL_DOMAIN', { text: domain }],
    ['ADMIN_EMAIL', { text: adminEmail }],
    ['RELAY_HOSTNAME', { text: `smtp.${domain}` }],
    ['API_URL', { text: `${web}://api.${domain}` }],
    ['POSTAL_HOSTNAME', { text: `postal.${domain}` }],
    ['POSTAL_WEBHOOK_PUBLIC_KEY', { text: signingPublicKey, inFile: true }],
    ['TLS_SOURCE', { text: tls }],
    ...tlsValues(tls, `smtp.${domain}`),
  ]);
}

/** A new secret for every variable that wants one. */
export function secretValues(random: Pick<Random, 'secret'>): Given {
  const names = allVariables.filter((name) => {
    const { secret, generated }: Variable = environment[name];
    return secret && generated;
  });
  return new Map(names.map((name) => [name, { text: random.secret().reveal() }] as const));
}

const broughtCertificate = 'secrets/tls.crt';
const certbotFolder = '/etc/letsencrypt/';

/** Where the certificates of an existing `.env` come from; undefined where it does not say, or says it by hand. */
export function writtenTls({ values }: EnvFile): Tls | undefined {
  if (values.get('RELAY_SUBMISSION_LISTEN')?.text === 'off') return 'off';
  const certificate = values.get('RELAY_TLS_CERT_FILE')?.text ?? '';
  if (certificate === broughtCertificate) return 'files';
  return certificate.startsWith(certbotFolder) ? 'acme' : undefined;
}

function tlsValues(tls: Tls, host: string): [VariableName, { text: string }][] {
  if (tls === 'off') {
    return [
      ['POSTAL_WEB_PROTOCOL', { text: 'http' }],
      ['RELAY_SUBMISSION_LISTEN', { text: 'off' }],
      ['RELAY_TLS_LISTEN', { text: 'off' }],
      ['RELAY_PRIVATE_LISTEN', { text: '127.0.0.1:2525' }],
    ];
  }
  const [certificate, key] =
    tls === 'files'
      ? [broughtCertificate, 'secrets/tls.key']
      : [`${certbotFolder}live/${host}/fullchain.pem`, `${certbotFolder}live/${host}/privkey.pem`];
  return [
    ['RELAY_TLS_CERT_FILE', { text: certificate }],
    ['RELAY_TLS_KEY_FILE', { text: key }],
  ];
}

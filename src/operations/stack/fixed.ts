import type { Fixed } from '../../config/compose-environment.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { postalReaderName } from '../../config/postal-database-address.ts';
import { hasSink } from '../../config/profiles.ts';
import { verifyKeyInside } from './handed-on.ts';

type Config = ConfigOf<'operator'>;

/** The ports that our services listen on inside their containers. */
export const inside = { submission: 587, submissions: 465, plain: 2525, api: 8080, internal: 8081 } as const;

/** The certificate that the check trusts, beside the secrets of its container. */
export const e2eCaName = 'e2e-ca.pem';

/** What the sink reads, and Postal of it, as their containers see it. */
export const sinkFolder = '/etc/mailctl/sink';

/** What the stack decides for every room, whatever `.env` says for other ways to run. */
export function fixedValues(config: Config): Fixed {
  return {
    POSTGRES_HOST: 'postgres',
    POSTGRES_PORT: '5432',
    REDIS_URL: 'redis://redis:6379',
    POSTAL_URL: 'http://postal-web:5000',
    POSTAL_DB_HOST: 'mariadb',
    POSTAL_DB_PORT: '3306',
    POSTAL_DB_USER: postalReaderName(config),
    API_LISTEN: `0.0.0.0:${inside.api}`,
    API_INTERNAL_LISTEN: `0.0.0.0:${inside.internal}`,
    API_INTERNAL_URL: `http://api:${inside.internal}`,
    API_HEALTH_LISTEN: '0.0.0.0:9102',
    WORKER_HEALTH_LISTEN: '0.0.0.0:9103',
    RELAY_HEALTH_LISTEN: '0.0.0.0:9101',
    SCHEDULER_HEALTH_LISTEN: '0.0.0.0:9104',
    RELAY_JOURNAL_DIR: '/var/lib/mailctl/journal',
    RELAY_SPILL_DIR: '/var/lib/mailctl/spill',
    WEBHOOK_ALLOWED_ADDRESSES: [
      ...config.WEBHOOK_ALLOWED_ADDRESSES,
      ...[probeAddress(config), schedulerAddress(config)].map((address) => `${address}/32`),
    ].join(','),
    API_TRUSTED_PROXIES: [...config.API_TRUSTED_PROXIES, config.STACK_SUBNET].join(','),
    CERT_DIR: '/tls',
    CERT_HTTPS_ADDRESS: 'nginx:443',
    CERT_SMTPS_ADDRESS: `relay:${inside.submissions}`,
    CERT_SUBMISSION_ADDRESS: `relay:${inside.submission}`,
    CERT_SMTP_ADDRESS: 'postal-smtp:25',
    STACK_PROFILES: config.STACK_PROFILES.join(','),
    ...listeners(config),
  };
}

/** How the one-off container of a command differs: it speaks to the services as the services speak to each other. */
export function probeValues(config: Config, address = probeAddress(config)): Fixed {
  const submission = offersTls(config) ? inside.submission : inside.plain;
  return {
    ...fixedValues(config),
    POSTAL_RUN_DIR: '/run/mailctl/postal',
    BACKUP_DIR: 'backups',
    ...(config.BACKUP_VERIFY_KEY !== 'none' && { BACKUP_VERIFY_KEY: verifyKeyInside }),
    API_URL: `http://api:${inside.api}`,
    E2E_SMTP_ADDRESS: `${config.RELAY_HOSTNAME}:${submission}`,
    E2E_WEBHOOK_LISTEN: '0.0.0.0:8090',
    E2E_WEBHOOK_URL: `http://${address}:8090`,
    E2E_WEB_URL: offersTls(config) ? 'https://nginx' : 'http://nginx',
    ...(config.E2E_SMTP_CA_FILE !== undefined && { E2E_SMTP_CA_FILE: `secrets/${e2eCaName}` }),
    ...(hasSink(config) && { E2E_MAILBOX_URL: 'http://sink:8025', ...sinkRecipient(config) }),
  };
}

/** The sink takes mail for everybody, so the check has somebody to send to. */
function sinkRecipient({ E2E_RECIPIENT }: Config): Fixed {
  return { E2E_RECIPIENT: E2E_RECIPIENT ?? 'e2e@sink.invalid' };
}

/** Where the one-off container of a command stands: its own address, so that webhooks may go to no other private one. */
export function probeAddress(config: Config): string {
  return addressIn(config, 52);
}

/** Where the scheduler stands: it runs the check too, and waits for webhooks at an address of its own. */
export function schedulerAddress(config: Config): string {
  return addressIn(config, 51);
}

/** An address in the network of the stack. */
function addressIn({ STACK_SUBNET }: Config, host: number): string {
  const [network = ''] = STACK_SUBNET.split('/');
  const octets = network.split('.');
  return [...octets.slice(0, 3), String(Number(octets[3]) + host)].join('.');
}

function listeners(config: Config): Fixed {
  const plain = config.RELAY_PRIVATE_LISTEN !== undefined || !offersTls(config);
  return {
    ...(config.RELAY_SUBMISSION_LISTEN && { RELAY_SUBMISSION_LISTEN: `0.0.0.0:${inside.submission}` }),
    ...(config.RELAY_TLS_LISTEN && { RELAY_TLS_LISTEN: `0.0.0.0:${inside.submissions}` }),
    ...(plain && { RELAY_PRIVATE_LISTEN: `0.0.0.0:${inside.plain}` }),
    ...(offersTls(config) && {
      RELAY_TLS_CERT_FILE: `/tls/${config.RELAY_HOSTNAME}/fullchain.pem`,
      RELAY_TLS_KEY_FILE: `/tls/${config.RELAY_HOSTNAME}/privkey.pem`,
    }),
  };
}

/** True where the relay speaks TLS at all. */
export function offersTls({ RELAY_SUBMISSION_LISTEN, RELAY_TLS_LISTEN }: Config): boolean {
  return RELAY_SUBMISSION_LISTEN !== undefined || RELAY_TLS_LISTEN !== undefined;
}

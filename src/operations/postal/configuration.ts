import type { ConfigOf } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import { Secret } from '../../domain/secret.ts';
import { fillTemplate } from '../steps/template.ts';
import { postalNames } from './dns-records.ts';
import { readPostalTemplate } from './template-file.ts';

type Config = ConfigOf<'operator'>;

const megabyte = 1024 ** 2;

/**
 * The whole `/config/postal.yml`, secrets included: it goes into Postal's volume, readable by Postal alone, never into the
 * operator's folder, an environment or an argv.
 */
export async function postalConfig(config: Config): Promise<Secret> {
  const values = {
    ...webValues(config),
    ...smtpValues(config),
    ...databaseValues(config),
    ...dnsValues(config),
  };
  const written = Object.entries(values).map(([name, value]) => [name, asYaml(value)] as const);
  return new Secret(fillTemplate(await readPostalTemplate('postal.yml'), Object.fromEntries(written)));
}

/** The settings of Postal's MariaDB; no secret is among them. */
export async function mariadbConfig(config: Config): Promise<string> {
  return fillTemplate(await readPostalTemplate('mariadb.cnf'), {
    maxAllowedPacket: config.MARIADB_MAX_ALLOWED_PACKET,
    logFileSize: config.MARIADB_LOG_FILE_SIZE,
    bufferPool: config.MARIADB_BUFFER_POOL,
    connections: config.MARIADB_MAX_CONNECTIONS,
  });
}

type Value = string | number | boolean | Secret | readonly string[];

/** JSON is YAML (YAML 1.2 §1.3): no value can be taken for anything but what it is. */
function asYaml(value: Value): string {
  return JSON.stringify(value instanceof Secret ? value.reveal() : value);
}

function webValues(config: Config) {
  return {
    webHostname: config.POSTAL_HOSTNAME,
    webProtocol: config.POSTAL_WEB_PROTOCOL,
    trustedProxies: config.POSTAL_TRUSTED_PROXIES,
    requestDestinations: [new URL(config.POSTAL_API_FROM_POSTAL).hostname],
    webThreads: config.POSTAL_WEB_THREADS,
    workerThreads: config.POSTAL_WORKER_THREADS,
    deliveryAttempts: config.POSTAL_DELIVERY_ATTEMPTS,
    lockStaleDays: config.POSTAL_LOCK_STALE_DAYS,
    railsSecret: made(config, 'POSTAL_RAILS_SECRET'),
  } satisfies Record<string, Value>;
}

function smtpValues(config: Config) {
  const folder = `/tls/${config.POSTAL_HOSTNAME}`;
  return {
    smtpRelays: config.POSTAL_SMTP_RELAYS,
    smtpTls: config.POSTAL_SMTP_TLS,
    smtpCertificate: config.POSTAL_SMTP_CERT_PATH ?? `${folder}/fullchain.pem`,
    smtpCertificateKey: config.POSTAL_SMTP_KEY_PATH ?? `${folder}/privkey.pem`,
    smtpMessageMegabytes: Math.max(1, Math.floor(config.POSTAL_SMTP_MAX_MESSAGE_BYTES / megabyte)),
    appMailHost: config.POSTAL_APP_SMTP_ADDRESS.host,
    appMailPort: config.POSTAL_APP_SMTP_ADDRESS.port,
    appMailUser: 'mailctl',
    appMailPassword: config.POSTAL_SMTP_CREDENTIAL ?? '',
    appMailName: 'Postal',
    appMailAddress: `postal@${config.MAIL_DOMAIN}`,
  } satisfies Record<string, Value>;
}

function databaseValues(config: Config) {
  return {
    databaseHost: config.MARIADB_POSTAL_HOST,
    databasePort: config.MARIADB_POSTAL_PORT,
    databaseUser: config.MARIADB_POSTAL_USER,
    databasePassword: made(config, 'MARIADB_POSTAL_PASSWORD'),
    databaseName: config.POSTAL_DB_NAME,
    messageDatabasePrefix: config.POSTAL_DB_MESSAGE_PREFIX,
    // Every thread may hold a connection, and so may the tasks beside them.
    databasePool: Math.max(config.POSTAL_WEB_THREADS, config.POSTAL_WORKER_THREADS) + 2,
  } satisfies Record<string, Value>;
}

function dnsValues(config: Config) {
  const { spf, returnPath, routes, track } = postalNames(config.POSTAL_HOSTNAME);
  return {
    mxRecords: [config.POSTAL_HOSTNAME],
    spfInclude: spf,
    returnPathDomain: returnPath,
    routeDomain: routes,
    trackDomain: track,
    resolvConf: config.POSTAL_RESOLV_CONF,
  } satisfies Record<string, Value>;
}

function made(config: Config, name: 'POSTAL_RAILS_SECRET' | 'MARIADB_POSTAL_PASSWORD'): Secret {
  const secret = config[name];
  if (secret) return secret;
  throw new OperatorError('config-invalid', `${name} is not set, and Postal does not run without it`, {
    hint: 'Let a new one be made: mailctl init',
    field: name,
  });
}

import { join, resolve } from 'node:path';

import { filedVariables } from '../../config/compose-environment.ts';
import type { ConfigOf, VariableName } from '../../config/environment.ts';
import { hasSink } from '../../config/profiles.ts';
import { postalReaderName } from '../../config/postal-database-address.ts';
import type { Sources } from '../../config/resolve.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { postalConfig } from '../postal/configuration.ts';
import { privateKeyPath } from '../scaffold/folder.ts';
import { e2eCaName, fixedValues, sinkFolder } from './fixed.ts';
import { certifiedNames, type PlatformNames } from '../tls/names.ts';
import { imageId, ownId } from './services.ts';
import type { TarEntry } from './tar.ts';

interface Scene {
  readonly world: Pick<Runtime, 'dir' | 'files'>;
  readonly config: ConfigOf<'operator'>;
  readonly sources: Sources;
  readonly names: PlatformNames;
}

/** What the one-shot writes into the volumes: each file for one reader, 0400. Entries hold secrets: they go to a stdin, nowhere else. */
export async function secretFiles(scene: Scene): Promise<readonly TarEntry[]> {
  const { config, sources } = scene;
  const signingKey = await readKey(scene);
  const rooms = (['operator', 'api', 'worker', 'relay'] as const).map((room) => ({
    room,
    files: Object.fromEntries(filedVariables(room, sources, fixedValues(config))),
  }));
  return [
    ...folder('secrets-postgres', imageId, { POSTGRES_PASSWORD: config.POSTGRES_PASSWORD.reveal() }),
    ...folder('secrets-redis', imageId, redisFiles(config)),
    ...folder('secrets-mariadb', imageId, {
      MARIADB_ROOT_PASSWORD: config.MARIADB_ROOT_PASSWORD.reveal(),
      MARIADB_POSTAL_USER: config.MARIADB_POSTAL_USER,
      MARIADB_POSTAL_PASSWORD: made('MARIADB_POSTAL_PASSWORD', config.MARIADB_POSTAL_PASSWORD),
      POSTAL_DB_USER: postalReaderName(config),
      POSTAL_DB_PASSWORD: made('POSTAL_DB_PASSWORD', config.POSTAL_DB_PASSWORD),
    }),
    ...folder('postal-config', imageId, {
      'postal.yml': (await postalConfig(asContained(config))).reveal(),
      'signing.key': signingKey,
    }),
    ...rooms.flatMap(({ room, files }) => folder(`secrets-${room}`, ownId, files)),
    { path: 'secrets-operator/postal-signing.key', content: signingKey, mode: 0o400, uid: ownId, gid: ownId },
    ...(await trustedByCheck(scene)),
    ...(await broughtCertificates(scene)),
  ];
}

/** What Postal reads once, when it starts; secret. Its SMTP server sends no mail of its own, and starts anew for no credential of it. */
export async function postalFiles(
  scene: Scene,
): Promise<{ readonly server: string; readonly senders: string }> {
  const key = await readKey(scene);
  const filesWith = async (config: Scene['config']) =>
    [(await postalConfig(config)).reveal(), key].join('\n');
  const config = asContained(scene.config);
  return {
    server: await filesWith({ ...config, POSTAL_SMTP_CREDENTIAL: undefined }),
    senders: await filesWith(config),
  };
}

/**
 * What is different in containers. Where there are no certificates Postal's SMTP server offers no TLS: it does not start without the
 * files. Where the sink stands for the outside world, only the sink is asked where mail goes, and no relay takes it instead.
 */
function asContained(config: ConfigOf<'operator'>): ConfigOf<'operator'> {
  const toSink = { POSTAL_RESOLV_CONF: `${sinkFolder}/resolv.conf`, POSTAL_SMTP_RELAYS: [] };
  return {
    ...config,
    POSTAL_SMTP_TLS: config.POSTAL_SMTP_TLS && config.TLS_SOURCE !== 'off',
    ...(hasSink(config) && toSink),
  };
}

function folder(volume: string, id: number, files: Readonly<Record<string, string>>): readonly TarEntry[] {
  const owner = { uid: id, gid: id };
  return [
    { path: `${volume}/`, mode: 0o500, ...owner },
    ...Object.entries(files).map(([name, content]) => ({
      path: `${volume}/${name}`,
      content,
      mode: 0o400,
      ...owner,
    })),
  ];
}

function redisFiles(config: ConfigOf<'operator'>): Readonly<Record<string, string>> {
  return {
    REDIS_PASSWORD: made('REDIS_PASSWORD', config.REDIS_PASSWORD),
    'redis.conf': redisConfig(config),
  };
}

/** What Redis reads once, when it starts; secret. */
export function redisConfig(config: ConfigOf<'operator'>): string {
  const most = Math.floor(config.REDIS_MEMORY * 0.75);
  const lines = [
    'bind * -::*',
    'protected-mode yes',
    `requirepass ${made('REDIS_PASSWORD', config.REDIS_PASSWORD)}`,
    'save ""',
    'appendonly no',
    'dir /tmp',
    `maxmemory ${most}`,
    'maxmemory-policy volatile-ttl',
  ];
  return `${lines.join('\n')}\n`;
}

async function readKey({ world: { dir, files } }: Scene): Promise<string> {
  const key = await files.readOwn(join(dir, privateKeyPath));
  if (key !== undefined) return key;
  throw new OperatorError(
    'config-invalid',
    `${privateKeyPath} is missing, and Postal signs its webhooks with it`,
    {
      hint: 'Make it: mailctl init',
      field: privateKeyPath,
    },
  );
}

async function trustedByCheck({
  world: { dir, files },
  config: { E2E_SMTP_CA_FILE: path },
}: Scene): Promise<readonly TarEntry[]> {
  if (path === undefined) return [];
  const content = await files.readOwn(resolve(dir, path));
  if (content === undefined) throw missing('E2E_SMTP_CA_FILE', path);
  return [{ path: `secrets-operator/${e2eCaName}`, content, mode: 0o400, uid: ownId, gid: ownId }];
}

function missing(name: VariableName, path: string): OperatorError {
  return new OperatorError('config-invalid', `${path} is not there, and ${name} names it`, {
    hint: `Put the certificate there, or unset ${name}`,
    field: name,
  });
}

/** Certificates that the operator brings are handed to all who serve one; others come from certbot. */
async function broughtCertificates({
  world: { dir, files },
  config,
  names,
}: Scene): Promise<readonly TarEntry[]> {
  if (config.TLS_SOURCE !== 'files') return [];
  const [chain, key] = await Promise.all(
    ['secrets/tls.crt', 'secrets/tls.key'].map((path) => files.readOwn(join(dir, path))),
  );
  if (chain === undefined || key === undefined)
    throw new OperatorError('config-invalid', 'secrets/tls.crt and secrets/tls.key are not both there', {
      hint: 'Put your certificate chain and its key there, for all names of the platform',
      field: 'secrets/tls.crt',
    });
  const owner = { uid: 0, gid: ownId };
  return certifiedNames(names).flatMap((name) => [
    { path: `tls/${name}/`, mode: 0o750, ...owner },
    { path: `tls/${name}/fullchain.pem`, content: chain, mode: 0o644, ...owner },
    { path: `tls/${name}/privkey.pem`, content: key, mode: 0o640, ...owner },
  ]);
}

function made(name: VariableName, secret: Secret | undefined): string {
  if (secret !== undefined) return secret.reveal();
  throw new OperatorError('config-invalid', `${name} is not set`, {
    hint: 'Let it be made: mailctl init',
    field: name,
  });
}

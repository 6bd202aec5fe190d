import { join, resolve } from 'node:path';

import type * as age from './adapters/age.ts';
import type { Archive } from './adapters/archive.ts';
import { type ActHistory, openActHistory } from './adapters/act-history.ts';
import { type Addresses, openAddresses } from './adapters/addresses.ts';
import type { Certificate } from './adapters/certificate.ts';
import type { DialledPort, SeenCertificate } from './adapters/certificate-dial.ts';
import { type Clock, systemClock } from './adapters/clock.ts';
import type { Compose } from './adapters/compose.ts';
import type { Errand, OwnDirectory } from './adapters/directory-owner.ts';
import type { Disk } from './adapters/disk.ts';
import type { Docker } from './adapters/docker.ts';
import type { ExecOptions, Finished } from './adapters/exec.ts';
import type { Dns } from './adapters/dns.ts';
import { type Files, openFiles, readValueFile } from './adapters/files.ts';
import { type Opened, openedThings } from './domain/opened.ts';
import type { Secret } from './domain/secret.ts';
import { type Host, thisHost } from './adapters/host.ts';
import type { Http } from './adapters/http.ts';
import type { ImageToBuild } from './adapters/image-builder.ts';
import type { openLog } from './adapters/log.ts';
import type { Mariadb, mariadbAt } from './adapters/mariadb.ts';
import type { objectStoreAt } from './adapters/object-store.ts';
import type { OperatorLock } from './adapters/operator-lock.ts';
import type { Postgres } from './adapters/postgres.ts';
import type { PostalRunner } from './adapters/postal-runner.ts';
import type { Prober } from './adapters/prober.ts';
import type { Programs } from './adapters/programs.ts';
import { type Random, systemRandom } from './adapters/random.ts';
import type { Redis } from './adapters/redis.ts';
import { makeRsaKey, type RsaKey } from './adapters/rsa.ts';
import type { ConfigOf } from './config/environment.ts';
import type { Live } from './config/live.ts';
import type { Sources } from './config/resolve.ts';
import type { Room } from './config/variable.ts';

/** The world a command acts on. What is heavy is opened when first used; all is released in reverse order. */
export interface Runtime extends AsyncDisposable {
  /** The operator's folder. */
  readonly dir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly host: Host;
  /** What was done in this folder. */
  readonly history: ActHistory;
  /** The right to act in this folder, for one act at a time; undefined where there is no `state/` yet. Throws `locked`. */
  lock(errand: Errand): Promise<OperatorLock | undefined>;
  /** Where configuration comes from: the environment and the folder's `.env`. */
  sources(): Promise<Sources>;
  /** Has `.env` and the files that it names read anew from now on, after an act changed them. */
  forgetSources(): void;
  config<R extends Room>(room: R): Promise<ConfigOf<R>>;
  /** The configuration of a service, which reads the sources again when told to. */
  live<R extends Room>(room: R): Promise<Live<R>>;
  /** The engine of this host, for the containers of this folder. */
  docker(): Promise<Docker>;
  compose(): Promise<Compose>;
  buildImage(image: ImageToBuild): Promise<void>;
  readonly addresses: Addresses;
  postgres(): Promise<Postgres>;
  /** Another database of the same server, without a limit on how long a statement runs; whoever asks for it disposes it. */
  postgresNamed(database: string): Promise<Postgres>;
  /** Postal's databases; undefined where POSTAL_DB_HOST and its login are not set. */
  postalDatabase(): Promise<Mariadb | undefined>;
  /** Undefined where REDIS_URL is not set. */
  redis(): Promise<Redis | undefined>;
  /** The same Redis, shown another password. */
  redisAs(REDIS_PASSWORD: Secret): Promise<Redis | undefined>;
  http(): Promise<Http>;
  /** The disk that holds the relay's journal. */
  disk(): Promise<Disk>;
  /** The folder of sets. */
  archive(): Promise<Archive>;
  /** What seals and opens sets. */
  age(): Promise<typeof age>;
  /** What starts programs whose octets are streamed. */
  programs(): Promise<Programs>;
  /** What takes a folder for this process alone. */
  ownDirectory(): Promise<OwnDirectory>;
  /** What reaches a bucket. */
  objectStoreAt(): Promise<typeof objectStoreAt>;
  /** What reaches a MariaDB. */
  mariadbAt(): Promise<typeof mariadbAt>;
  /** The DNS as the world sees it. */
  dns(): Promise<Dns>;
  /** Postal's own program, for what it has no other door for. */
  postalRunner(): Promise<PostalRunner>;
  /** What the end-to-end check speaks and reads mail with. */
  prober(): Promise<Prober>;
  /** What opens the logs of services that run in this process. */
  logs(): Promise<typeof openLog>;
  /** This very program, to be run once more. */
  program(): Promise<OwnProgram>;
  makeRsaKey(bits: number): Promise<RsaKey>;
  /** A self-signed certificate for these names, valid for so many days. */
  makeCertificate(names: readonly string[], validDays: number): Promise<Certificate>;
  /** Shakes hands with a port to see the certificate it serves. */
  dialCertificate(port: DialledPort): Promise<SeenCertificate>;
  /** The text that an operator passes to a command: a file of the current folder, or `-` for stdin. */
  readInput(path: string): Promise<string>;
}

/** How this program was started, how it is run with other words, and how a folder is taken for one process alone. */
export interface OwnProgram {
  readonly words: readonly string[];
  run(words: readonly string[], options: ExecOptions): Promise<Finished>;
  readonly own: OwnDirectory;
}

export interface RuntimeOptions {
  readonly dir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number | undefined;
}

/** Puts the real adapters together for one command. Opens nothing yet. */
export function openRuntime({ dir, environment, uid }: RuntimeOptions): Runtime {
  const opened = openedThings();
  const files = openFiles(uid);
  let read = once(() => readSources(dir, environment, files));
  const sources = () => read();
  const config = async <R extends Room>(room: R) =>
    (await import('./config/load.ts')).loadConfig(room, await sources());
  const docker = once(async () => connectDocker(await config('operator')));
  const addresses = openAddresses({ docker, onHost: once(async () => isHost(dir, files, await sources())) });
  return {
    dir,
    clock: systemClock,
    random: systemRandom,
    files,
    history: openActHistory(join(dir, 'state/history')),
    lock: async (errand) =>
      (await files.isFolder(join(dir, 'state'))) ? lockFolder(dir, errand, await sources()) : undefined,
    host: thisHost,
    sources,
    forgetSources: () => {
      read = once(() => readSources(dir, environment, files));
    },
    config,
    live: async (room) =>
      (await import('./config/live.ts')).liveConfig(room, () => readSources(dir, environment, files)),
    docker,
    compose: once(async () => driveCompose(dir, await config('operator'))),
    buildImage: async (image) => (await import('./adapters/image-builder.ts')).buildImage(image),
    addresses,
    ...stores(() => config('operator'), addresses, { opened, dir }),
    ...unconfigured(),
    dns: once(async () => connectDns(await config('operator'))),
    postalRunner: once(async () => connectRunner(await config('operator'), dir)),
    program: once(openProgram),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function stores(
  config: () => Promise<ConfigOf<'operator'>>,
  addresses: Addresses,
  { opened, dir }: { readonly opened: Opened; readonly dir: string },
) {
  return {
    postgres: once(async () => opened.use(await connectPostgres(await config(), addresses))),
    postalDatabase: once(async () => postalMariadb(await config(), addresses)),
    redis: once(async () => connectRedis(await config(), addresses, opened)),
    redisAs: async (REDIS_PASSWORD: Secret) =>
      connectRedis({ ...(await config()), REDIS_PASSWORD }, addresses, opened),
    http: once(async () => opened.use(await client(await config(), dir))),
    postgresNamed: async (database: string) => connectPostgres(await config(), addresses, database),
  };
}

/** What needs no configuration. */
function unconfigured() {
  return {
    disk: once(async () => (await import('./adapters/disk.ts')).systemDisk),
    prober: once(async () => (await import('./adapters/prober.ts')).prober),
    logs: once(async () => (await import('./adapters/log.ts')).openLog),
    archive: once(async () => (await import('./adapters/archive.ts')).systemArchive),
    age: once(() => import('./adapters/age.ts')),
    programs: once(async () => (await import('./adapters/programs.ts')).systemPrograms),
    ownDirectory: once(async () => (await import('./adapters/directory-owner.ts')).ownDirectory),
    objectStoreAt: once(async () => (await import('./adapters/object-store.ts')).objectStoreAt),
    mariadbAt: once(async () => (await import('./adapters/mariadb.ts')).mariadbAt),
    makeRsaKey,
    makeCertificate: async (names: readonly string[], validDays: number) => {
      const { makeSelfSignedCertificate } = await import('./adapters/certificate.ts');
      return makeSelfSignedCertificate(names, systemClock.now(), validDays);
    },
    dialCertificate: async (port: DialledPort) =>
      (await import('./adapters/certificate-dial.ts')).dialCertificate(port),
    readInput: async (path: string) => (await import('./adapters/input.ts')).readInput(path),
  };
}

async function openProgram(): Promise<OwnProgram> {
  const { ownProgram, runOwnProgram } = await import('./adapters/own-program.ts');
  const { ownDirectory } = await import('./adapters/directory-owner.ts');
  return { words: ownProgram(), run: runOwnProgram, own: ownDirectory };
}

async function client(
  { E2E_TIMEOUT, E2E_SMTP_CA_FILE: path }: ConfigOf<'operator'>,
  dir: string,
): Promise<Http> {
  const { openHttp } = await import('./adapters/http.ts');
  const trust = path === undefined ? {} : { ca: readValueFile(resolve(dir, path)) };
  const bounds = { connections: 4, connectTimeoutMs: E2E_TIMEOUT, mostAnswerBytes: 100 * 1024 * 1024 };
  return openHttp({ ...bounds, ...trust, keepAlive: false });
}

async function lockFolder(dir: string, errand: Errand, sources: Sources): Promise<OperatorLock> {
  const silenceMs = (await import('./config/load.ts')).readOr('OPERATOR_LOCK_SILENCE', sources);
  return (await import('./adapters/operator-lock.ts')).takeLock(join(dir, 'state/lock'), errand, silenceMs);
}

function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opening: Promise<T> | undefined;
  return () => (opening ??= open());
}

async function readSources(
  dir: string,
  environment: RuntimeOptions['environment'],
  files: Files,
): Promise<Sources> {
  const { parseEnvFile } = await import('./config/env-file.ts');
  const content = await files.readOwn(join(dir, '.env'));
  return {
    environment,
    file: content === undefined ? undefined : parseEnvFile(content),
    readFile: (path) => readValueFile(resolve(dir, path)),
  };
}

/** The host of a stack has a rendered compose.yaml, and says nothing of where PostgreSQL is: it is in a container. */
async function isHost(dir: string, files: Files, sources: Sources): Promise<boolean> {
  const { resolve: find } = await import('./config/resolve.ts');
  const found = find('POSTGRES_HOST', undefined, sources);
  const isNamed = 'text' in found && found.text !== undefined;
  return !isNamed && (await files.modeOf(join(dir, 'compose.yaml'))) !== undefined;
}

async function connectDocker({ STACK_NAME, DOCKER_TIMEOUT }: ConfigOf<'operator'>): Promise<Docker> {
  return (await import('./adapters/docker.ts')).openDocker(STACK_NAME, DOCKER_TIMEOUT);
}

async function driveCompose(folder: string, config: ConfigOf<'operator'>): Promise<Compose> {
  const { STACK_NAME: name, STACK_PROFILES: profiles, COMPOSE_TIMEOUT: timeoutMs } = config;
  return (await import('./adapters/compose.ts')).openCompose({ folder, name, profiles, timeoutMs });
}

async function connectRedis(
  config: ConfigOf<'operator'>,
  addresses: Addresses,
  opened: Opened,
): Promise<Redis | undefined> {
  const { redisAddress } = await import('./config/redis-address.ts');
  const container = await addresses.containerOf('redis');
  const address = redisAddress({
    ...config,
    ...(container !== undefined && { REDIS_URL: `redis://${container}:6379` }),
  });
  if (!address) return undefined;
  const { openRedis } = await import('./adapters/redis.ts');
  return opened.use(await openRedis(address));
}

async function postalMariadb(
  config: ConfigOf<'operator'>,
  addresses: Addresses,
): Promise<Mariadb | undefined> {
  const { postalDatabaseAddress } = await import('./config/postal-database-address.ts');
  const address = postalDatabaseAddress(config, await addresses.containerOf('mariadb'));
  if (!address) return undefined;
  const { mariadbAt } = await import('./adapters/mariadb.ts');
  return mariadbAt(address);
}

async function connectPostgres(
  config: ConfigOf<'operator'>,
  addresses: Addresses,
  named?: string,
): Promise<Postgres> {
  const { openPostgres } = await import('./adapters/postgres.ts');
  const { postgresAddress } = await import('./config/postgres-address.ts');
  const address = postgresAddress(config, 'mailctl');
  const host = (await addresses.containerOf('postgres')) ?? address.host;
  const other = named === undefined ? {} : { database: named, statementTimeoutMs: 0 };
  return openPostgres({ ...address, ...other, host });
}

async function connectDns(config: ConfigOf<'operator'>): Promise<Dns> {
  const { dnsAddress } = await import('./config/dns-address.ts');
  return (await import('./adapters/dns.ts')).openDns(dnsAddress(config));
}

async function connectRunner(config: ConfigOf<'operator'>, folder: string): Promise<PostalRunner> {
  const { runnerAddress } = await import('./config/runner-address.ts');
  return (await import('./adapters/postal-runner.ts')).postalRunner({ ...runnerAddress(config), folder });
}

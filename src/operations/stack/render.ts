import { readFile } from 'node:fs/promises';

import { composeEnvironment, type Fixed } from '../../config/compose-environment.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { ownerOfLogin } from '../../domain/login-name.ts';
import { hasSink } from '../../config/profiles.ts';
import type { Room } from '../../config/variable.ts';
import { fillTemplate } from '../steps/template.ts';
import { certbotEnvironment, reloadSeconds } from '../tls/render.ts';
import { certifiedNames } from '../tls/names.ts';
import type { Blueprint, Values } from './compose-values.ts';
import { asMounted, mountsOfSets } from './mounts-of-sets.ts';
import { postalOf } from './render-postal.ts';
import {
  fixedValues,
  inside,
  offersTls,
  probeAddress,
  probeValues,
  schedulerAddress,
  sinkFolder,
} from './fixed.ts';

/** The whole compose.yaml: templates chosen and filled in, no secret among the values. */
export async function renderCompose(blueprint: Blueprint): Promise<string> {
  const parts = partsOf(blueprint).map(async ([name, values]) =>
    fillTemplate(await composeTemplate(name), values),
  );
  return (await Promise.all(parts)).join('\n');
}

function composeTemplate(name: string): Promise<string> {
  return readFile(new URL(`../../../templates/compose/${name}.yaml`, import.meta.url), 'utf8');
}

function partsOf(blueprint: Blueprint): readonly (readonly [string, Values])[] {
  return [
    ['head', headOf(blueprint)],
    ...storesOf(blueprint),
    ...sinkOf(blueprint),
    ...oursOf(blueprint),
    ...edgesOf(blueprint),
  ];
}

function headOf({ config, image }: Blueprint): Values {
  return {
    name: config.STACK_NAME,
    pids: config.STACK_PIDS,
    cpus: config.STACK_CPUS,
    stopTimeout: milliseconds(config.STACK_STOP_TIMEOUT),
    logBytes: config.STACK_LOG_BYTES,
    logFiles: config.STACK_LOG_FILES,
    healthInterval: milliseconds(config.STACK_HEALTH_INTERVAL),
    healthTimeout: milliseconds(config.STACK_HEALTH_TIMEOUT),
    mailctlImage: image,
    mailctlPull: config.MAILCTL_IMAGE === undefined ? 'never' : 'missing',
  };
}

function storesOf({ config, pinned, digests }: Blueprint): readonly (readonly [string, Values])[] {
  const image = (name: string) => pinned[name] ?? name;
  return [
    [
      'postgres',
      {
        image: image(config.POSTGRES_IMAGE),
        memory: config.POSTGRES_MEMORY,
        user: ownerOfLogin(config.POSTGRES_USER),
        database: config.POSTGRES_DATABASE,
      },
    ],
    [
      'redis',
      { image: image(config.REDIS_IMAGE), memory: config.REDIS_MEMORY, configuration: digests.redis },
    ],
    [
      'mariadb',
      {
        image: image(config.MARIADB_IMAGE),
        memory: config.MARIADB_MEMORY,
        configuration: digests.mariadb,
        database: config.POSTAL_DB_NAME,
        user: ownerOfLogin(config.MARIADB_POSTAL_USER),
        messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX,
      },
    ],
    ['postal', postalOf({ config, pinned, digests })],
  ];
}

function sinkOf(blueprint: Blueprint): readonly (readonly [string, Values])[] {
  const { config } = blueprint;
  if (!hasSink(config)) return [];
  const fixed = { SINK_RECORDS_FILE: `${sinkFolder}/records.json` };
  const environment = environmentOf(blueprint, 'sink', fixed);
  return [['sink', { memory: config.PROXY_MEMORY, address: config.SINK_ADDRESS, environment }]];
}

function oursOf(blueprint: Blueprint): readonly (readonly [string, Values])[] {
  const { config } = blueprint;
  const fixed = fixedValues(config);
  return [
    [
      'migrate',
      { memory: config.SCHEDULER_MEMORY, environment: environmentOf(blueprint, 'operator', fixed) },
    ],
    ...certificatesOf(blueprint),
    [
      'api',
      {
        memory: config.API_MEMORY,
        shares: sharesOf(config.API_NICE),
        environment: environmentOf(blueprint, 'api', fixed),
      },
    ],
    [
      'worker',
      {
        memory: config.WORKER_MEMORY,
        shares: sharesOf(config.WORKER_NICE),
        environment: environmentOf(blueprint, 'worker', fixed),
      },
    ],
    [
      'relay',
      {
        memory: config.RELAY_MEMORY,
        shares: sharesOf(config.RELAY_NICE),
        hostname: config.RELAY_HOSTNAME,
        ports: lines(portsOf(config).map((port) => `- "${port}"`)),
        environment: environmentOf(blueprint, 'relay', fixed),
      },
    ],
    ...commandsOf(blueprint),
  ];
}

/** What a nice value means between containers, where 1024 is the share of one that says nothing: each step of nice leaves a process four fifths of the share. */
function sharesOf(nice: number): string {
  return String(Math.round(1024 * 0.8 ** nice));
}

/** What runs commands of ours: the timetable, one command at a time, and what fills the volumes. */
function commandsOf(blueprint: Blueprint): readonly (readonly [string, Values])[] {
  const { config } = blueprint;
  const probe = environmentOf(blueprint, 'operator', probeValues(config));
  return [
    [
      'scheduler',
      {
        memory: config.SCHEDULER_MEMORY,
        address: schedulerAddress(config),
        sets: lines(mountsOfSets(config)),
        environment: environmentOf(
          blueprint,
          ['scheduler', 'operator'],
          probeValues(config, schedulerAddress(config)),
        ),
      },
    ],
    ['probe', { memory: config.SCHEDULER_MEMORY, probeAddress: probeAddress(config), environment: probe }],
    [
      'secrets',
      {
        backups: asMounted(config.BACKUP_DIR),
        volumes: lines(filledVolumes.map((name) => `- ${name}:/volumes/${name}`)),
      },
    ],
  ];
}

/** Placeholders first, so that nobody waits for a certificate. */
function certificatesOf(blueprint: Blueprint): readonly (readonly [string, Values])[] {
  const { config, names } = blueprint;
  if (config.TLS_SOURCE === 'off') return [];
  const listed = certifiedNames(names).map((name) => JSON.stringify(name));
  const environment = environmentOf(blueprint, 'operator', fixedValues(config));
  return [['tls-init', { memory: config.PROXY_MEMORY, names: listed.join(', '), environment }]];
}

/** The volumes that the one-shot fills with files for one reader each. */
export const filledVolumes = [
  'secrets-postgres',
  'secrets-redis',
  'secrets-mariadb',
  'postal-config',
  'postal-run',
  'secrets-operator',
  'secrets-api',
  'secrets-worker',
  'secrets-relay',
  'scheduler-data',
  'tls',
] as const;

const keptVolumes = ['postgres-data', 'mariadb-data', 'relay-data', 'letsencrypt', 'acme-challenge'];

function edgesOf({ config, names, pinned }: Blueprint): readonly (readonly [string, Values])[] {
  const memory = config.PROXY_MEMORY;
  const certbot = Object.entries(certbotEnvironment(config, certifiedNames(names)));
  const acme = config.TLS_SOURCE === 'acme';
  return [
    [
      'nginx',
      {
        image: pinned[config.NGINX_IMAGE] ?? config.NGINX_IMAGE,
        memory,
        publishAddress: config.PUBLISH_ADDRESS,
        publishHttp: config.PUBLISH_HTTP,
        publishHttps: config.PUBLISH_HTTPS,
        reloadSeconds: reloadSeconds(config),
      },
    ],
    ...(acme
      ? [
          [
            'certbot',
            {
              image: pinned[config.CERTBOT_IMAGE] ?? config.CERTBOT_IMAGE,
              memory,
              environment: lines(certbot.map(([name, text]) => `${name}: ${JSON.stringify(text)}`)),
            },
          ] as const,
        ]
      : []),
    [
      'tail',
      {
        subnet: config.STACK_SUBNET,
        volumes: [...filledVolumes, ...keptVolumes].map((name) => `  ${name}: {}`).join('\n'),
      },
    ],
  ];
}

/** Where secrets of a room are in its containers; commands look for them in the operator's folder, which is their working folder. */
function environmentOf({ sources }: Blueprint, rooms: Room | readonly Room[], fixed: Fixed): string {
  const all = [rooms].flat();
  const secrets = all.includes('operator') ? '/var/lib/mailctl/secrets' : '/run/mailctl/secrets';
  const environment = Object.assign(
    {},
    ...all.map((room) => composeEnvironment(room, sources, { fixed, secrets })),
  ) as Record<string, string>;
  return lines(Object.entries(environment).map(([name, text]) => `${name}: ${JSON.stringify(text)}`));
}

function portsOf(config: ConfigOf<'operator'>): readonly string[] {
  const { PUBLISH_ADDRESS: host, PUBLISH_SUBMISSION, PUBLISH_SUBMISSIONS } = config;
  if (!offersTls(config)) return [`${host}:${PUBLISH_SUBMISSION}:${inside.plain}`];
  return [
    ...(config.RELAY_TLS_LISTEN ? [`${host}:${PUBLISH_SUBMISSIONS}:${inside.submissions}`] : []),
    ...(config.RELAY_SUBMISSION_LISTEN ? [`${host}:${PUBLISH_SUBMISSION}:${inside.submission}`] : []),
  ];
}

function lines(words: readonly string[]): string {
  return words.map((word) => `      ${word}`).join('\n');
}

function milliseconds(ms: number): string {
  return `${ms}ms`;
}

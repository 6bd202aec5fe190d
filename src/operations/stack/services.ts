import type { VariableName } from '../../config/environment.ts';

/** One service of the Compose file. */
export interface Service {
  readonly name: string;
  /** Services of one stage start together, the stages one after the other; `down` goes the other way. */
  readonly stage: Stage;
  /** It does its work and ends. */
  readonly oneShot?: true;
  /** The variable that names its image; without it the image is ours. */
  readonly image?: VariableName;
}

/** In the order of starting; with the databases starts all that waits for nothing. */
export const stages = ['databases', 'postal-init', 'postal', 'migrate', 'api', 'worker', 'relay'] as const;
export type Stage = (typeof stages)[number];

/** Every service that `up` starts, in the order of starting. */
export const allServices: readonly Service[] = [
  { name: 'postgres', stage: 'databases', image: 'POSTGRES_IMAGE' },
  { name: 'redis', stage: 'databases', image: 'REDIS_IMAGE' },
  { name: 'mariadb', stage: 'databases', image: 'MARIADB_IMAGE' },
  { name: 'tls-init', stage: 'databases', oneShot: true },
  { name: 'sink', stage: 'databases' },
  { name: 'postal-init', stage: 'postal-init', image: 'POSTAL_IMAGE', oneShot: true },
  { name: 'postal-web', stage: 'postal', image: 'POSTAL_IMAGE' },
  { name: 'postal-smtp', stage: 'postal', image: 'POSTAL_IMAGE' },
  { name: 'postal-worker', stage: 'postal', image: 'POSTAL_IMAGE' },
  { name: 'migrate', stage: 'migrate', oneShot: true },
  { name: 'api', stage: 'api' },
  { name: 'worker', stage: 'worker' },
  { name: 'nginx', stage: 'relay', image: 'NGINX_IMAGE' },
  { name: 'certbot', stage: 'relay', image: 'CERTBOT_IMAGE' },
  { name: 'relay', stage: 'relay' },
  { name: 'scheduler', stage: 'relay' },
];

/** The user of our image, and the group that may read certificates. */
export const ownId = 10_053;
/** The user that PostgreSQL, MariaDB, Redis and Postal run as in their images. */
export const imageId = 999;

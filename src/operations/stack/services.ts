import type { VariableName } from '../../config/environment.ts';
import type { Stage } from './stages.ts';

/** One service of the Compose file. */
export interface Service {
  readonly name: string;
  /** Services of one stage start together, each stage once those that it waits for are through; `down` goes the other way, one by one. */
  readonly stage: Stage;
  /** It does its work and ends. */
  readonly oneShot?: true;
  /** The variable that names its image; without it the image is ours. */
  readonly image?: VariableName;
}

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
  { name: 'nginx', stage: 'edge', image: 'NGINX_IMAGE' },
  { name: 'certbot', stage: 'edge', image: 'CERTBOT_IMAGE' },
  { name: 'scheduler', stage: 'edge' },
  { name: 'relay', stage: 'relay' },
];

/** The user of our image, and the group that may read certificates. */
export const ownId = 10_053;
/** The user that PostgreSQL, MariaDB, Redis and Postal run as in their images. */
export const imageId = 999;

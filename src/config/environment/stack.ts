import { isCidr } from '../../domain/ip-address.ts';
import { count, duration, list, secret, size, text, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Stack (containers)';
const readBy = ['operator'] as const;

const subnet = text.refine((value) => isCidr(value) && value.includes('/'), {
  error: 'is no network: write for example 10.213.53.0/24',
});
const projectName = text.refine((value) => /^[a-z0-9][a-z0-9_-]*$/.test(value), {
  error: 'is no name of a Compose project: small letters, digits, - and _',
});

/** The containers on one host: images, published ports, limits, and how long what may take. */
export const stack = {
  STACK_NAME: variable(projectName, {
    section,
    readBy,
    means:
      'Name of the Compose project, in front of every container, network and volume; `down --volumes` asks for it',
    fallback: 'mailctl',
  }),
  STACK_PROFILES: variable(list, {
    section,
    readBy,
    means: 'Profiles that are always on, such as sink',
    fallback: '',
  }),
  STACK_SUBNET: variable(subnet, {
    section,
    readBy,
    means: 'Network of the containers that speak to the outside; change it where it collides with yours',
    fallback: '10.213.53.0/24',
  }),
  POSTGRES_IMAGE: variable(text, {
    section,
    readBy,
    means: 'Image of PostgreSQL 17',
    fallback: 'postgres:17',
  }),
  REDIS_IMAGE: variable(text, { section, readBy, means: 'Image of Redis 8', fallback: 'redis:8' }),
  MARIADB_IMAGE: variable(text, { section, readBy, means: 'Image of MariaDB 11', fallback: 'mariadb:11.8' }),
  POSTAL_IMAGE: variable(text, {
    section,
    readBy,
    means: 'Image of Postal 3.3',
    fallback: 'ghcr.io/postalserver/postal:3.3.6',
  }),
  NGINX_IMAGE: variable(text, { section, readBy, means: 'Image of nginx', fallback: 'nginx:1.29' }),
  CERTBOT_IMAGE: variable(text, {
    section,
    readBy,
    means: 'Image of certbot',
    fallback: 'certbot/certbot:v5.1.0',
  }),
  NODE_IMAGE: variable(text, {
    section,
    readBy,
    means: 'Image of Node 22 on Debian 13 that ours is built on',
    fallback: 'node:22-trixie-slim',
  }),
  MAILCTL_IMAGE: variable(text, {
    section,
    readBy,
    means: 'Ready image of mailctl; without it `up` builds one from the installed package',
    optional: true,
  }),
  MARIADB_ADMIN_USER: variable(text, {
    section,
    readBy,
    means:
      'The user of MariaDB that makes and drops logins when they rotate; its password is MARIADB_ROOT_PASSWORD',
    fallback: 'root',
  }),
  MARIADB_ROOT_PASSWORD: variable(secret, {
    section,
    readBy,
    means: "Password of MariaDB's root",
    secret: true,
    generated: true,
  }),
  PUBLISH_ADDRESS: variable(text, {
    section,
    readBy,
    means: "Address of the host that the stack's ports are opened on",
    fallback: '0.0.0.0',
  }),
  ...published({
    PUBLISH_SMTP: ['25', "Port of the host for mail to Postal's SMTP server"],
    PUBLISH_HTTP: ['80', 'Port of the host for HTTP'],
    PUBLISH_HTTPS: ['443', 'Port of the host for HTTPS'],
    PUBLISH_SUBMISSIONS: ['465', 'Port of the host for submission over TLS'],
    PUBLISH_SUBMISSION: ['587', 'Port of the host for submission with STARTTLS'],
  }),
  ...memory({
    POSTGRES_MEMORY: ['1GB', 'PostgreSQL'],
    REDIS_MEMORY: ['256MB', 'Redis'],
    MARIADB_MEMORY: ['2GB', 'MariaDB'],
    POSTAL_MEMORY: ['1GB', 'each of the three processes of Postal'],
    API_MEMORY: ['512MB', 'the api'],
    WORKER_MEMORY: ['512MB', 'the worker'],
    RELAY_MEMORY: ['512MB', 'the relay'],
    SCHEDULER_MEMORY: ['1GB', 'the scheduler and the commands it runs'],
    PROXY_MEMORY: ['256MB', 'nginx, certbot and the sink each'],
  }),
  STACK_CPUS: variable(
    text.refine((value) => Number(value) > 0, { error: 'is no number of processors' }),
    {
      section,
      readBy,
      means: 'Processors that one container may use at most',
      fallback: '2',
    },
  ),
  STACK_PIDS: variable(count(16), {
    section,
    readBy,
    means: 'Processes and threads that one container may have',
    fallback: '512',
  }),
  STACK_LOG_BYTES: variable(size, {
    section,
    readBy,
    means: 'Size at which the log file of a container is rotated',
    fallback: '20MB',
  }),
  STACK_LOG_FILES: variable(count(1, 100), {
    section,
    readBy,
    means: 'Log files kept of a container',
    fallback: '5',
  }),
  STACK_HEALTH_INTERVAL: variable(wait, {
    section,
    readBy,
    means: "How often the engine looks at each container's health",
    fallback: '10s',
  }),
  STACK_HEALTH_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one such look may take',
    fallback: '20s',
  }),
  STACK_STOP_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a container may take to finish what is in flight before it is killed',
    fallback: '40s',
  }),
  UP_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long `up` waits for health at most; --wait goes before',
    fallback: '5m',
  }),
  UP_POLL_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often `up` looks whether a service is healthy',
    fallback: '200ms',
  }),
  UP_LEAST_DISK: variable(size, {
    section,
    readBy,
    means: 'Free space that `up` wants where the engine keeps its data',
    fallback: '5GB',
  }),
  UP_LEAST_MEMORY: variable(size, {
    section,
    readBy,
    means: 'Memory that `up` wants the host to have',
    fallback: '3GB',
  }),
  UP_MOST_CLOCK_SKEW: variable(duration, {
    section,
    readBy,
    means: "How far the engine's clock may be from ours",
    fallback: '5s',
  }),
  STATUS_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a service may take to tell `status` how it is',
    fallback: '5s',
  }),
  STATUS_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often `status --watch` looks, and `logs --follow` for a service that ended',
    fallback: '2s',
  }),
  DOCKER_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long the Docker engine may take to answer, and a short program inside a container to end',
    fallback: '30s',
  }),
  COMPOSE_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long one run of Docker Compose, one build, or one pull of an image may take',
    fallback: '30m',
  }),
};

function published<const N extends string>(ports: Record<N, readonly [fallback: string, means: string]>) {
  return each(ports, ([fallback, means]) => variable(count(1, 65_535), { section, readBy, means, fallback }));
}

function memory<const N extends string>(limits: Record<N, readonly [fallback: string, who: string]>) {
  return each(limits, ([fallback, who]) =>
    variable(size, { section, readBy, means: `Memory that ${who} may use at most`, fallback }),
  );
}

function each<N extends string, A, V>(given: Record<N, A>, make: (one: A) => V): Record<N, V> {
  return Object.fromEntries(Object.entries<A>(given).map(([name, one]) => [name, make(one)])) as Record<N, V>;
}

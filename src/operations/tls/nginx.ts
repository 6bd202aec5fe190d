import type { ConfigOf } from '../../config/environment.ts';
import { fillTemplate } from '../steps/template.ts';
import type { PlatformNames } from './names.ts';

/** One file to be written below the operator's folder. */
export interface RenderedFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Where things are as nginx sees them. */
export interface NginxPlaces {
  readonly http: string;
  readonly https: string;
  readonly certificates: string;
  readonly challenges: string;
  readonly sites: string;
  /** For what is in work only. */
  readonly scratch: string;
  readonly accessLog: string;
  readonly api: string;
  readonly postal: string;
}

/** Where they are in the stack's containers. */
export const containerPlaces: NginxPlaces = {
  http: '80',
  https: '443',
  certificates: '/tls',
  challenges: '/acme',
  sites: '/etc/mailctl/nginx/sites',
  scratch: '/tmp',
  accessLog: '/dev/stdout',
  api: 'http://api:8080',
  postal: 'http://postal-web:5000',
};

export type NginxTemplates = Readonly<Record<(typeof nginxTemplates)[number], string>>;

export const nginxTemplates = [
  'nginx.conf',
  'http-redirect.conf',
  'http-plain.conf',
  'listen-tls.conf',
  'listen-plain.conf',
  'site-api.conf',
  'site-postal.conf',
  'site-tracking.conf',
  'start.sh',
] as const;

/** The files of nginx: a main one, and one for each name it serves, below `rendered/nginx`. */
export function renderNginx(
  templates: NginxTemplates,
  config: ConfigOf<'operator'>,
  names: PlatformNames,
  places: NginxPlaces,
): readonly RenderedFile[] {
  const withTls = config.TLS_SOURCE !== 'off';
  const values = { ...settings(config), ...valuesOf(places), postal_host: names.postal };
  const site = (kind: 'api' | 'postal' | 'tracking', name: string): RenderedFile => {
    const listen = templates[withTls ? 'listen-tls.conf' : 'listen-plain.conf'];
    const own = { ...values, name };
    const filled = fillTemplate(templates[`site-${kind}.conf`], {
      ...own,
      listen: fillTemplate(listen, own).trimEnd(),
    });
    return file(`sites/${name}.conf`, filled);
  };
  return [
    file('nginx.conf', fillTemplate(templates['nginx.conf'], values)),
    file(
      'sites/_default.conf',
      fillTemplate(templates[withTls ? 'http-redirect.conf' : 'http-plain.conf'], values),
    ),
    site('api', names.api),
    site('postal', names.postal),
    ...names.tracking.map((name) => site('tracking', name)),
    file('start.sh', templates['start.sh']),
  ];
}

function file(path: string, content: string): RenderedFile {
  return { path: `rendered/nginx/${path}`, content, mode: 0o644 };
}

function valuesOf(places: NginxPlaces) {
  return { ...places, http_port: places.http, https_port: places.https, access_log: places.accessLog };
}

function settings(config: ConfigOf<'operator'>) {
  const { host, port } = config.NGINX_RESOLVER;
  return {
    workers: config.NGINX_WORKERS,
    worker_connections: config.NGINX_WORKER_CONNECTIONS,
    resolver: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    shutdown_timeout: time(config.NGINX_SHUTDOWN_TIMEOUT),
    client_timeout: time(config.NGINX_CLIENT_TIMEOUT),
    keepalive_timeout: time(config.NGINX_KEEPALIVE_TIMEOUT),
    connect_timeout: time(config.NGINX_CONNECT_TIMEOUT),
    upstream_timeout: time(config.NGINX_UPSTREAM_TIMEOUT),
    api_max_body: config.API_MAX_BODY_BYTES,
    webhook_max_body: config.POSTAL_WEBHOOK_MAX_BYTES,
    postal_max_body: config.POSTAL_UI_MAX_BODY_BYTES,
  };
}

function time(ms: number): string {
  return `${ms}ms`;
}

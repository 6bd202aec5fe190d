import { readFile } from 'node:fs/promises';

import type { ConfigOf } from '../../config/environment.ts';
import type { PlatformNames } from './names.ts';
import {
  containerPlaces,
  type NginxPlaces,
  type NginxTemplates,
  nginxTemplates,
  renderNginx,
  type RenderedFile,
} from './nginx.ts';

const templates = new URL('../../../templates/', import.meta.url);

/** The certificate that vouches for a private ACME directory, below `rendered` and below /etc/mailctl in certbot's container. */
export const acmeCaPath = 'certbot/acme-ca.pem';

const scripts = [
  ['certbot/run.sh', 0o644],
  ['certbot/health.sh', 0o644],
  ['postal/health.sh', 0o644],
  ['postal/smtp.sh', 0o644],
  ['postal/worker.sh', 0o644],
] as const;

/** The files that nginx, certbot and Postal's processes are started and looked at with, to be written below the operator's folder. */
export async function renderTls(
  config: ConfigOf<'operator'>,
  names: PlatformNames,
  places: NginxPlaces = containerPlaces,
): Promise<readonly RenderedFile[]> {
  const nginx = Object.fromEntries(await Promise.all(nginxTemplates.map(named))) as NginxTemplates;
  const others = scripts.map(async ([name, mode]): Promise<RenderedFile> => {
    return { path: `rendered/${name}`, content: await template(name), mode };
  });
  return [...renderNginx(nginx, config, names, places), ...(await Promise.all(others))];
}

async function named(name: string): Promise<readonly [string, string]> {
  return [name, await template(`nginx/${name}`)];
}

function template(name: string): Promise<string> {
  return readFile(new URL(name, templates), 'utf8');
}

/** What certbot's container is told, by name; every length of time in whole seconds or minutes. */
export function certbotEnvironment(
  config: ConfigOf<'operator'>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return {
    CERT_NAMES: names.join(' '),
    ACME_DIRECTORY: config.ACME_DIRECTORY_URL,
    ACME_EMAIL: config.ACME_EMAIL ?? config.ADMIN_EMAIL,
    CERT_KEY_TYPE: config.CERT_KEY_TYPE,
    CERT_CHECK_SECONDS: seconds(config.CERT_CHECK_INTERVAL),
    CERT_RETRY_SECONDS: seconds(config.CERT_RETRY_DELAY),
    CERT_HEALTH_MINUTES: String(Math.max(1, Math.round(config.CERT_HEALTH_AFTER / 60_000))),
    ...(config.ACME_CA_FILE !== undefined && { ACME_CA: `/etc/mailctl/${acmeCaPath}` }),
  };
}

/** How often nginx and Postal's SMTP server look at their certificates, for their start scripts. */
export function reloadSeconds(config: Pick<ConfigOf<'operator'>, 'NGINX_RELOAD_INTERVAL'>): string {
  return seconds(config.NGINX_RELOAD_INTERVAL);
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.round(ms / 1_000)));
}

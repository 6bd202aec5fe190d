import { join } from 'node:path';

import { z } from 'zod';

import type { ConfigOf } from '../../config/environment.ts';
import { isDomainName } from '../../domain/address.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

type Config = ConfigOf<'operator'>;

const permalink = z
  .string()
  .regex(/^[a-z0-9-]{1,60}$/, { error: 'write lower-case letters, digits and hyphens' });
const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, { error: 'write one label, such as click' });
const localPart = z
  .string()
  .regex(/^[a-z0-9\-.]{1,64}$/, { error: 'write lower-case letters, digits, dots and hyphens' });
const domain = z
  .string()
  .toLowerCase()
  .refine(isDomainName, { error: 'write a domain, such as example.com' });

/** What an operator may write into the declarative file. Everything but the name may be left out. */
const fileShape = z.strictObject({
  organization: z
    .strictObject({ name: z.string().min(1), permalink, time_zone: z.string().min(1) })
    .partial()
    .default({}),
  server: z
    .strictObject({
      name: z.string().min(1),
      permalink,
      mode: z.enum(['Live', 'Development']),
      send_limit: z.int().positive().nullable(),
      privacy_mode: z.boolean(),
    })
    .partial()
    .default({}),
  credentials: z
    .array(z.strictObject({ type: z.enum(['API', 'SMTP']), name: z.string().min(1).max(200) }))
    .default([]),
  domains: z.array(z.strictObject({ name: domain, tracking: label.nullable().optional() })).default([]),
  routes: z.array(z.strictObject({ name: localPart, domain })).default([]),
});

/** The declarative file, as it was read. */
export type ProvisionFile = z.output<typeof fileShape>;

/** All that Postal is to hold, in the words of the provisioning script. */
export interface Wanted {
  readonly administrator: { readonly email: string; readonly first_name: string; readonly last_name: string };
  readonly organization: { readonly name: string; readonly permalink: string; readonly time_zone: string };
  readonly server: {
    readonly name: string;
    readonly permalink: string;
    readonly mode: string;
    readonly send_limit: number | null;
    readonly privacy_mode: boolean;
    readonly raw_message_retention_days: number;
    readonly raw_message_retention_size: number;
    readonly message_retention_days: number;
  };
  readonly credentials: readonly { readonly type: 'API' | 'SMTP'; readonly name: string }[];
  readonly domains: readonly {
    readonly name: string;
    readonly tracking: { readonly name: string; readonly ssl: boolean } | null;
  }[];
  /** Both URLs hold the secret of POSTAL_WEBHOOK_TOKEN: they go to Postal and are shown to nobody. */
  readonly webhook: { readonly name: string; readonly url: string };
  readonly endpoint: { readonly name: string; readonly url: string; readonly timeout: number };
  readonly routes: readonly { readonly name: string; readonly domain: string }[];
}

/** The name of everything that mailctl makes for itself in Postal. */
export const ownName = 'mailctl';

/** The declarative file; undefined where there is none. Throws `config-invalid` naming the field that is wrong. */
export async function readProvisionFile(
  { dir, files }: Pick<Runtime, 'dir' | 'files'>,
  { POSTAL_PROVISION_FILE: path }: Pick<Config, 'POSTAL_PROVISION_FILE'>,
): Promise<{ readonly content: string; readonly file: ProvisionFile } | undefined> {
  const content = await files.readOwn(join(dir, path));
  if (content === undefined) return undefined;
  const parsed = fileShape.safeParse(jsonOf(content, path));
  if (parsed.success) return { content, file: parsed.data };
  const [issue] = parsed.error.issues;
  const field =
    issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? '';
  throw new OperatorError(
    'config-invalid',
    `${path}: ${field.replace(/^\./, '') || 'the file'}: ${issue?.message ?? 'is not valid'}`,
    {
      hint: `Correct it in ${path}; nothing was changed`,
      field: field.replace(/^\./, ''),
    },
  );
}

function jsonOf(content: string, path: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new OperatorError(
      'config-invalid',
      `${path} is no JSON: ${cause instanceof Error ? cause.message : ''}`,
      {
        hint: 'Correct it, or move it away: without it everything follows from .env',
        field: 'POSTAL_PROVISION_FILE',
      },
    );
  }
}

/** What Postal is to hold: the file, and for what it leaves out the configuration. */
export function wantedOf(config: Config, file: ProvisionFile = fileShape.parse({})): Wanted {
  const inbound = `${config.POSTAL_API_FROM_POSTAL}/webhooks/postal/${config.POSTAL_WEBHOOK_TOKEN.reveal()}`;
  const domains = file.domains.length > 0 ? file.domains : [{ name: config.MAIL_DOMAIN }];
  return {
    administrator: { email: config.ADMIN_EMAIL, first_name: 'Mail', last_name: 'Administrator' },
    organization: {
      name: file.organization.name ?? config.MAIL_DOMAIN,
      permalink: file.organization.permalink ?? ownName,
      time_zone: file.organization.time_zone ?? 'UTC',
    },
    server: serverOf(config, file),
    credentials: credentialsOf(file),
    domains: domains.map((entry) => ({ name: entry.name, tracking: trackingOf(config, entry) })),
    webhook: { name: ownName, url: inbound },
    endpoint: { name: ownName, url: `${inbound}/inbound`, timeout: inboundSeconds(config) },
    routes: routesOf(config, file, domains[0]?.name ?? config.MAIL_DOMAIN),
  };
}

const megabyte = 1024 ** 2;

function serverOf(config: Config, { server }: ProvisionFile): Wanted['server'] {
  return {
    name: server.name ?? 'Outbound',
    permalink: server.permalink ?? 'outbound',
    mode: server.mode ?? 'Live',
    send_limit: server.send_limit === undefined ? (config.POSTAL_SEND_LIMIT ?? null) : server.send_limit,
    // Otherwise Postal asks the DNS for the client's name at every call, nine seconds long where the DNS is silent.
    privacy_mode: server.privacy_mode ?? true,
    raw_message_retention_days: config.POSTAL_RAW_RETENTION_DAYS,
    raw_message_retention_size: Math.ceil(config.POSTAL_RAW_RETENTION_SIZE / megabyte),
    message_retention_days: config.POSTAL_MESSAGE_RETENTION_DAYS,
  };
}

function credentialsOf({ credentials }: ProvisionFile): Wanted['credentials'] {
  const own = [
    { type: 'API', name: ownName },
    { type: 'SMTP', name: ownName },
  ] as const;
  const others = credentials.filter(
    ({ type, name }) => !own.some((one) => one.type === type && one.name === name),
  );
  return [...own, ...others];
}

function trackingOf(
  config: Config,
  { tracking }: { readonly tracking?: string | null | undefined },
): Wanted['domains'][number]['tracking'] {
  if (tracking === null) return null;
  return { name: tracking ?? config.POSTAL_TRACK_NAME, ssl: config.POSTAL_WEB_PROTOCOL === 'https' };
}

/** Postal takes 5 to 60 seconds. */
function inboundSeconds({ POSTAL_INBOUND_TIMEOUT: ms }: Config): number {
  return Math.min(60, Math.max(5, Math.round(ms / 1000)));
}

function routesOf(config: Config, { routes }: ProvisionFile, domainName: string): Wanted['routes'] {
  const own = [config.POSTAL_PROBE_NAME, config.POSTAL_COMPLAINTS_NAME].map((name) => ({
    name,
    domain: domainName,
  }));
  const others = routes.filter(
    (route) => !own.some((one) => one.name === route.name && one.domain === route.domain),
  );
  return [...own, ...others];
}

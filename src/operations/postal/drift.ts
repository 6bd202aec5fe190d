import { createHash } from 'node:crypto';

import type { PostalDomain, PostalState } from './state.ts';
import type { Wanted } from './wanted.ts';

/** One thing in Postal that is not as it should be. What is `extra` nobody asked for; `apply` leaves it alone. */
export interface Drift {
  readonly what: string;
  readonly kind: 'missing' | 'different' | 'extra';
  readonly expected: string;
  readonly seen: string;
}

/** All that differs between what is wanted and what Postal holds. Never shows a key, nor a URL that holds a secret. */
export function driftOf(wanted: Wanted, state: PostalState): readonly Drift[] {
  return [
    ...ownerDrift(wanted, state),
    ...serverDrift(wanted, state),
    ...wanted.credentials.flatMap(({ type, name }) =>
      present(
        `${type} credential ${name}`,
        state.credentials.some((one) => one.type === type && one.name === name),
      ),
    ),
    ...wanted.domains.flatMap((domain) => domainDrift(domain, state)),
    ...hookDrift(wanted, state),
    ...wanted.routes.flatMap((route) => routeDrift(route, wanted, state)),
    ...extras(wanted, state),
  ];
}

/** The drift that `apply` mends. */
export function mendable(drift: readonly Drift[]): readonly Drift[] {
  return drift.filter(({ kind }) => kind !== 'extra');
}

function ownerDrift({ organization, administrator }: Wanted, state: PostalState): readonly Drift[] {
  const what = `organisation ${organization.permalink}`;
  const { organization: found } = state;
  return [
    ...present(`administrator ${administrator.email}`, state.administrators > 0),
    ...present(what, found !== null),
    ...(found
      ? [
          ...differs(`${what}: name`, organization.name, found.name),
          ...differs(`${what}: time_zone`, organization.time_zone, found.time_zone),
        ]
      : []),
  ];
}

const serverFields = [
  'name',
  'mode',
  'send_limit',
  'privacy_mode',
  'raw_message_retention_days',
  'raw_message_retention_size',
  'message_retention_days',
] as const;

function serverDrift({ server }: Wanted, { server: found }: PostalState): readonly Drift[] {
  const what = `mail server ${server.permalink}`;
  if (!found) return present(what, false);
  return [
    ...present(`message database ${found.database}`, found.provisioned),
    ...serverFields.flatMap((field) => differs(`${what}: ${field}`, server[field], found[field])),
  ];
}

function domainDrift(
  { name, tracking }: Wanted['domains'][number],
  { domains }: PostalState,
): readonly Drift[] {
  const found = domains.find((domain) => domain.name === name);
  if (!found) return present(`domain ${name}`, false);
  return [
    ...(found.verified ? [] : differs(`domain ${name}: verified`, true, false)),
    ...(tracking ? trackingDrift(tracking, found) : []),
  ];
}

function trackingDrift(
  tracking: NonNullable<Wanted['domains'][number]['tracking']>,
  { name, tracking: found }: PostalDomain,
): readonly Drift[] {
  const what = `tracking domain ${tracking.name}.${name}`;
  if (!found) return present(what, false);
  return [
    ...differs(`${what}: name`, tracking.name, found.name),
    ...differs(`${what}: ssl`, tracking.ssl, found.ssl),
  ];
}

function hookDrift({ webhook, endpoint }: Wanted, { webhooks, endpoints }: PostalState): readonly Drift[] {
  const hook = webhooks.find(({ name }) => name === webhook.name);
  const door = endpoints.find(({ name }) => name === endpoint.name);
  return [
    ...present(`webhook ${webhook.name}`, hook !== undefined),
    ...(hook
      ? [
          ...differs(`webhook ${hook.name}: url`, shown(webhook.url), shown(hook.url)),
          ...differs(`webhook ${hook.name}: all events`, true, hook.all_events),
          ...differs(`webhook ${hook.name}: enabled`, true, hook.enabled),
        ]
      : []),
    ...present(`endpoint ${endpoint.name}`, door !== undefined),
    ...(door
      ? [
          ...differs(`endpoint ${door.name}: url`, shown(endpoint.url), shown(door.url)),
          ...differs(`endpoint ${door.name}: timeout`, endpoint.timeout, door.timeout),
          ...differs(`endpoint ${door.name}: encoding`, 'BodyAsJSON', door.encoding),
          ...differs(`endpoint ${door.name}: format`, 'RawMessage', door.format),
        ]
      : []),
  ];
}

function routeDrift(
  { name, domain }: Wanted['routes'][number],
  { endpoint }: Wanted,
  { routes }: PostalState,
): readonly Drift[] {
  const what = `route ${name}@${domain}`;
  const found = routes.find((route) => route.name === name && route.domain === domain);
  if (!found) return present(what, false);
  return [
    ...differs(`${what}: mode`, 'Endpoint', found.mode),
    ...differs(`${what}: endpoint`, endpoint.name, found.endpoint),
    ...differs(`${what}: spam mode`, 'Mark', found.spam_mode),
  ];
}

function extras(wanted: Wanted, state: PostalState): readonly Drift[] {
  const unknown = [
    ...state.domains
      .filter(({ name }) => !wanted.domains.some((domain) => domain.name === name))
      .map(({ name }) => `domain ${name}`),
    ...state.domains.flatMap(({ name, tracking }) =>
      tracking && wanted.domains.some((domain) => domain.name === name && domain.tracking === null)
        ? [`tracking domain ${tracking.name}.${name}`]
        : [],
    ),
    ...state.credentials
      .filter((one) => !wanted.credentials.some(({ type, name }) => type === one.type && name === one.name))
      .map(({ type, name }) => `${type} credential ${name}`),
    ...state.webhooks.filter(({ name }) => name !== wanted.webhook.name).map(({ name }) => `webhook ${name}`),
    ...state.routes
      .filter((one) => !wanted.routes.some(({ name, domain }) => name === one.name && domain === one.domain))
      .map(({ name, domain }) => `route ${name}@${domain ?? ''}`),
  ];
  return unknown.map((what) => ({ what, kind: 'extra', expected: 'absent', seen: 'present' }));
}

function present(what: string, isThere: boolean): readonly Drift[] {
  return isThere ? [] : [{ what, kind: 'missing', expected: 'present', seen: 'absent' }];
}

type Value = string | number | boolean | null;

function differs(what: string, expected: Value, seen: Value): readonly Drift[] {
  return expected === seen
    ? []
    : [{ what, kind: 'different', expected: String(expected ?? 'none'), seen: String(seen ?? 'none') }];
}

/** A URL without its secret path: its origin, and a digest that tells two apart. */
function shown(url: string): string {
  const origin = URL.canParse(url) ? new URL(url).origin : 'no URL';
  return `${origin}/… (sha256 ${createHash('sha256').update(url).digest('hex').slice(0, 8)})`;
}

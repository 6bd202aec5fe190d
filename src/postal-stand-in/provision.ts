import { newCredential, type Registry } from './registry.ts';
import type { Applied } from './runner-request.ts';
import { randomToken } from './tokens.ts';

/** Makes what is missing and changes what differs, as the script does in Postal; returns what it did, in its words. */
export function provision(registry: Registry, wanted: Applied): readonly string[] {
  const said: string[] = [];
  applyOwner(registry, wanted, said);
  applyServer(registry, wanted, said);
  for (const { type, name } of wanted.credentials) {
    if (registry.held.credentials.some((one) => one.type === type && one.name === name)) continue;
    registry.held.credentials.push(newCredential(registry, { type, name }));
    said.push(`${type} credential ${name}`);
  }
  for (const domain of wanted.domains) applyDomain(registry, domain, said);
  applyDoors(registry, wanted, said);
  return said;
}

function applyOwner({ held }: Registry, { administrator, organization }: Applied, said: string[]): void {
  if (held.administrators.length === 0) {
    held.administrators.push(administrator.email);
    said.push(`administrator ${administrator.email}`);
  }
  if (same(held.organization, organization)) return;
  said.push(`organisation ${organization.permalink}`);
  held.organization = organization;
}

function applyServer(registry: Registry, { server }: Applied, said: string[]): void {
  const { held } = registry;
  const next = { ...server, id: held.server?.id ?? registry.nextId() };
  if (same(held.server, next)) return;
  said.push(`mail server ${server.permalink}`);
  held.server = next;
}

function applyDomain(
  registry: Registry,
  { name, tracking }: Applied['domains'][number],
  said: string[],
): void {
  const { held, random } = registry;
  const found = held.domains.find((domain) => domain.name === name);
  if (!found) {
    const verification = `postal-verification ${randomToken(random, 32)}`;
    const selector = `postal-${randomToken(random, 6)}`;
    held.domains.push({ name, verification, selector, tracking, checked: false });
    said.push(`domain ${name}`);
  } else if (tracking && !same(found.tracking, tracking)) {
    found.tracking = tracking;
    said.push(`tracking domain ${tracking.name}.${name}`);
  }
}

function applyDoors(registry: Registry, { webhook, endpoint, routes }: Applied, said: string[]): void {
  const { held, random } = registry;
  const [hook] = held.webhooks.filter(({ name }) => name === webhook.name);
  if (hook?.url !== webhook.url) said.push(`webhook ${webhook.name}`);
  if (hook) hook.url = webhook.url;
  else held.webhooks.push({ id: registry.nextId(), ...webhook });
  if (!held.endpoints.some((one) => same(one, endpoint))) {
    held.endpoints = [...held.endpoints.filter(({ name }) => name !== endpoint.name), endpoint];
    said.push(`endpoint ${endpoint.name}`);
  }
  for (const { name, domain } of routes) {
    if (held.routes.some((route) => route.name === name && route.domain === domain)) continue;
    held.routes.push({ name, domain, endpoint: endpoint.name, token: randomToken(random, 8) });
    said.push(`route ${name}@${domain}`);
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

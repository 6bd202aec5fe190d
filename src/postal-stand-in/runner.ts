import { dkimRecord } from './dkim.ts';
import type { Office } from './office.ts';
import { provision } from './provision.ts';
import { newCredential, type Provisioned, type RegisteredDomain } from './registry.ts';
import { type RunnerRequest, runnerRequest } from './runner-request.ts';

/** Answers a script on the standard input of `rails runner -`: not Ruby in general, only mailctl's own, by its first line. */
export async function answerScript(office: Office, script: string, queued: Queued): Promise<string> {
  const [, encoded] = /^# mailctl-postal\/1\nREQUEST = "([A-Za-z0-9+/=]*)"\n/.exec(script) ?? [];
  const request = runnerRequest.safeParse(jsonOf(encoded ?? ''));
  const answer = request.success
    ? await answerTo(office, request.data, queued)
    : { refused: 'this stand-in runs no other script' };
  await office.registry.save();
  return `mailctl-postal:${JSON.stringify(answer)}\n`;
}

/** How many webhooks wait for a URL that holds this text. */
export type Queued = (text: string) => number;

function jsonOf(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64').toString());
  } catch {
    return undefined;
  }
}

async function answerTo(office: Office, request: RunnerRequest, queued: Queued): Promise<object> {
  const { registry } = office;
  const { held } = registry;
  switch (request.ask) {
    case 'look':
      return look(office, request.wanted);
    case 'apply':
      return { changed: provision(registry, request.wanted), ...look(office, request.wanted) };
    case 'check-dns':
      for (const domain of held.domains)
        if (request.wanted.names.includes(domain.name)) domain.checked = await isInOrder(office, domain);
      return { ...look(office, request.wanted), problems: [] };
    case 'remove-domain':
      return removeDomain(office, request.wanted);
    case 'create-credential': {
      const { type, name } = request.wanted;
      const made = newCredential(registry, { type, name });
      held.credentials.push(made);
      return credentialState(made);
    }
    case 'retire-credential':
      return retireCredential(office, request.wanted);
    case 'set-webhook-url':
      return moveDoors(office, request.wanted);
    case 'count-webhooks':
      return { queued: queued(request.wanted.text) };
  }
}

/** True where the DNS has the domain's key and its tracking host; without an outside every record is taken to be there. */
async function isInOrder(office: Office, { name, tracking }: RegisteredDomain): Promise<boolean> {
  const { outside } = office.world;
  if (!outside) return true;
  const key = dkimRecord(office.dkim(name));
  const texts = await outside.records('TXT', key.name);
  const alias = tracking ? await outside.records('CNAME', `${tracking.name}.${name}`) : [];
  return texts.includes(key.value) && (!tracking || alias[0] === `track.${office.settings.webHostname}`);
}

type Asked<Ask> = Extract<RunnerRequest, { readonly ask: Ask }>['wanted'];

function removeDomain(office: Office, wanted: Asked<'remove-domain'>): object {
  const { held } = office.registry;
  const isThere = held.domains.some(({ name }) => name === wanted.name);
  held.domains = held.domains.filter(({ name }) => name !== wanted.name);
  held.routes = held.routes.filter(({ domain }) => domain !== wanted.name);
  return { ...look(office, wanted), changed: isThere ? [`domain ${wanted.name}`] : [] };
}

function retireCredential({ registry: { held } }: Office, wanted: Asked<'retire-credential'>): object {
  const { ids, successor } = wanted;
  const kept = held.credentials.find(({ id }) => id === successor.id);
  if (!kept) return { refused: 'the credential that follows is not there any more' };
  held.credentials = held.credentials.filter(({ id }) => id === kept.id || !ids.includes(id));
  kept.name = successor.name;
  return { changed: [`credential ${kept.id}`] };
}

function moveDoors({ registry }: Office, { webhook, endpoint }: Asked<'set-webhook-url'>): object {
  for (const hook of registry.held.webhooks) if (hook.name === webhook.name) hook.url = webhook.url;
  for (const door of registry.held.endpoints) if (door.name === endpoint.name) door.url = endpoint.url;
  return { changed: [`webhook ${webhook.name}`] };
}

/** What the script's `look` tells. Another organisation or mail server than the one held is not there. */
function look(office: Office, { organization, server }: Asked<'look'>): object {
  const { held } = office.registry;
  const isOurs =
    held.organization?.permalink === organization.permalink && held.server?.permalink === server.permalink;
  const list = <T, S>(entries: readonly T[], state: (entry: T) => S) => (isOurs ? entries.map(state) : []);
  return {
    administrators: held.administrators.length,
    organization: held.organization?.permalink === organization.permalink ? held.organization : null,
    server: isOurs ? serverState(office, held.server) : null,
    credentials: list(held.credentials, credentialState),
    domains: list(held.domains, (domain) => domainState(office, domain)),
    webhooks: list(held.webhooks, (hook) => ({ ...hook, all_events: true, enabled: true })),
    endpoints: list(held.endpoints, (door) => ({
      ...door,
      encoding: 'BodyAsJSON',
      format: 'RawMessage',
      include_attachments: true,
    })),
    routes: list(held.routes, ({ token, ...route }) => ({
      ...route,
      mode: 'Endpoint',
      spam_mode: 'Mark',
      address: `${token}@routes.${office.settings.webHostname}`,
    })),
  };
}

function serverState(office: Office, server: Readonly<Record<string, unknown>> | null): object {
  const token = office.settings.serverToken;
  return { ...server, token, database: 'postal-server-1', provisioned: true, suspended: false };
}

function credentialState(credential: Provisioned['credentials'][number]): object {
  return { ...credential, hold: false };
}

function domainState(office: Office, { name, verification, checked, tracking }: RegisteredDomain): object {
  const part = { status: checked ? 'OK' : null, error: null };
  const { name: dkimName, value } = dkimRecord(office.dkim(name));
  return {
    name,
    verified: true,
    verification,
    dkim_name: dkimName,
    dkim: value,
    checked_at: null,
    dns: { spf: part, dkim: part, mx: part, return_path: part },
    tracking: tracking && { ...tracking, status: checked ? 'OK' : 'Missing', error: null },
  };
}

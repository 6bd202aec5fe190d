import { randomToken, type TokenSource } from './tokens.ts';

/** What was provisioned: one organisation with one mail server, as Postal's main database would hold it. */
export interface Provisioned {
  lastId: number;
  administrators: string[];
  organization: { name: string; permalink: string; time_zone: string } | null;
  server: (Readonly<Record<string, unknown>> & { readonly permalink: string; readonly id: number }) | null;
  /** `last_used_at` in whole seconds, as Postal's script tells it. */
  credentials: { id: number; type: string; name: string; key: string; last_used_at: string | null }[];
  domains: RegisteredDomain[];
  webhooks: { id: number; name: string; url: string }[];
  endpoints: { name: string; url: string; timeout: number }[];
  routes: { name: string; domain: string; endpoint: string; token: string }[];
}

/** A sending domain; `checked` once Postal was asked to look at its DNS, which this one then finds in order. */
export interface RegisteredDomain {
  readonly name: string;
  readonly verification: string;
  readonly selector: string;
  tracking: { name: string; ssl: boolean } | null;
  checked: boolean;
}

/** Where it is kept when the process ends. */
export interface RegistryShelf {
  load(): Promise<Provisioned | undefined>;
  save(provisioned: Provisioned): Promise<void>;
}

/** What was provisioned, and what the mail server draws from it. */
export interface Registry {
  readonly held: Provisioned;
  readonly random: TokenSource;
  apiKeys(): readonly string[];
  /** Writes down that an API credential was used; its key is compared as Postal does. */
  noteUse(key: string, at: Date): void;
  domains(): readonly string[];
  webhookUrl(): string | undefined;
  /** The endpoint of the route that takes mail for this address, sub-addresses (`name+tag`) included. */
  endpointFor(address: string): string | undefined;
  nextId(): number;
  save(): Promise<void>;
}

const nothing: Provisioned = {
  lastId: 0,
  administrators: [],
  organization: null,
  server: null,
  credentials: [],
  domains: [],
  webhooks: [],
  endpoints: [],
  routes: [],
};

/** Opens what was kept, or an empty one. */
export async function openRegistry(shelf: RegistryShelf | undefined, random: TokenSource): Promise<Registry> {
  const held = (await shelf?.load()) ?? structuredClone(nothing);
  return {
    held,
    random,
    apiKeys: () => held.credentials.filter(({ type }) => type === 'API').map(({ key }) => key),
    noteUse: (key, at) => {
      for (const one of held.credentials)
        if (one.type === 'API' && one.key.toLowerCase() === key)
          one.last_used_at = at.toISOString().replace(/\.\d+/, '');
    },
    domains: () => held.domains.map(({ name }) => name),
    webhookUrl: () => held.webhooks[0]?.url,
    endpointFor: (address) => {
      const [local = '', domain = ''] = address.toLowerCase().split('@');
      const [name = ''] = local.split('+');
      const route = held.routes.find((one) =>
        domain.startsWith('routes.')
          ? one.token.toLowerCase() === name
          : one.name === name && one.domain === domain,
      );
      return held.endpoints.find((endpoint) => endpoint.name === route?.endpoint)?.url;
    },
    nextId: () => (held.lastId += 1),
    save: async () => shelf?.save(held),
  };
}

/** A credential with a key as Postal makes it: 24 letters and digits. */
export function newCredential(
  { random, nextId }: Registry,
  named: { readonly type: string; readonly name: string },
): Provisioned['credentials'][number] {
  return { id: nextId(), ...named, key: randomToken(random, 24), last_used_at: null };
}

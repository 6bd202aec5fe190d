import { z } from 'zod';

import type { Runtime } from '../../runtime.ts';
import { askPostal } from './ask.ts';
import { postalState } from './state.ts';
import { ownName, readProvisionFile, wantedOf } from './wanted.ts';

/** One credential of our mail server; the key is a secret. */
export interface PostalCredential {
  readonly id: number;
  readonly type: string;
  readonly name: string;
  readonly key: string;
  readonly lastUsedAt: string | null;
}

/** What a rotation does in Postal. */
export interface PostalOffice {
  createCredential(credential: {
    readonly type: 'API' | 'SMTP';
    readonly name: string;
  }): Promise<PostalCredential>;
  credentials(): Promise<readonly PostalCredential[]>;
  /**
   * Destroys these and has the one that follows them bear their name, both or neither. Safe to repeat; throws `refused` where that one is
   * not there.
   */
  retireCredentials(
    ids: readonly number[],
    successor: { readonly id: number; readonly name: string },
  ): Promise<void>;
  /** Points the webhook at the api under this path token, and incoming mail with it. */
  setWebhookToken(token: string): Promise<void>;
  /** Webhooks that wait and were written for a URL that holds this text. */
  queuedWebhooksTo(text: string): Promise<number>;
}

const credentialShape = z
  .object({
    id: z.number(),
    type: z.string(),
    name: z.string(),
    key: z.string(),
    last_used_at: z.string().nullable(),
  })
  .transform(({ last_used_at: lastUsedAt, ...rest }): PostalCredential => ({ ...rest, lastUsedAt }));

/** Opens it on the mail server that the configuration and the declarative file name. */
export async function openPostalOffice(world: Runtime): Promise<PostalOffice> {
  const config = await world.config('operator');
  const { organization, server } = wantedOf(config, (await readProvisionFile(world, config))?.file);
  const ask = <T>(what: string, wanted: object, shape: z.ZodType<T>) =>
    askPostal(world, what, { organization, server, ...wanted }, shape);
  return {
    createCredential: (credential) => ask('create-credential', credential, credentialShape),
    credentials: async () => {
      const { credentials } = await ask('look', {}, postalState);
      return credentials.map(({ last_used_at: lastUsedAt, id, type, name, key }) => ({
        id,
        type,
        name,
        key,
        lastUsedAt,
      }));
    },
    retireCredentials: async (ids, successor) => {
      await ask('retire-credential', { ids, successor }, z.object({ changed: z.array(z.string()) }));
    },
    setWebhookToken: async (token) => {
      const url = `${config.POSTAL_API_FROM_POSTAL}/webhooks/postal/${token}`;
      const moved = { webhook: { name: ownName, url }, endpoint: { name: ownName, url: `${url}/inbound` } };
      await ask('set-webhook-url', moved, z.object({ changed: z.array(z.string()) }));
    },
    queuedWebhooksTo: async (text) =>
      (await ask('count-webhooks', { text }, z.object({ queued: z.number() }))).queued,
  };
}

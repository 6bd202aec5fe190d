import { z } from 'zod';

const status = z.object({ status: z.string().nullable(), error: z.string().nullable() });

/** What Postal holds of our organisation and mail server, as the provisioning script tells it. */
export const postalState = z.object({
  administrators: z.number(),
  organization: z.object({ name: z.string(), time_zone: z.string().nullable() }).nullable(),
  server: z
    .object({
      id: z.number(),
      token: z.string(),
      database: z.string(),
      provisioned: z.boolean(),
      suspended: z.boolean(),
      name: z.string(),
      mode: z.string(),
      send_limit: z.number().nullable(),
      privacy_mode: z.boolean().nullable(),
      raw_message_retention_days: z.number().nullable(),
      raw_message_retention_size: z.number().nullable(),
      message_retention_days: z.number().nullable(),
    })
    .nullable(),
  credentials: z.array(
    z.object({
      id: z.number(),
      type: z.string(),
      name: z.string(),
      key: z.string(),
      hold: z.boolean(),
      last_used_at: z.string().nullable(),
    }),
  ),
  domains: z.array(
    z.object({
      name: z.string(),
      verified: z.boolean(),
      verification: z.string(),
      dkim_name: z.string(),
      dkim: z.string().nullable(),
      checked_at: z.string().nullable(),
      dns: z.object({ spf: status, dkim: status, mx: status, return_path: status }),
      tracking: z
        .object({
          name: z.string(),
          ssl: z.boolean(),
          status: z.string().nullable(),
          error: z.string().nullable(),
        })
        .nullable(),
    }),
  ),
  webhooks: z.array(
    z.object({
      id: z.number(),
      name: z.string(),
      url: z.string(),
      all_events: z.boolean(),
      enabled: z.boolean(),
    }),
  ),
  endpoints: z.array(
    z.object({
      name: z.string(),
      url: z.string(),
      encoding: z.string(),
      format: z.string(),
      timeout: z.number().nullable(),
      include_attachments: z.boolean(),
    }),
  ),
  routes: z.array(
    z.object({
      name: z.string(),
      domain: z.string().nullable(),
      mode: z.string().nullable(),
      spam_mode: z.string().nullable(),
      endpoint: z.string().nullable(),
      address: z.string(),
    }),
  ),
});

export type PostalState = z.output<typeof postalState>;
export type PostalDomain = PostalState['domains'][number];

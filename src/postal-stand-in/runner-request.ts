import { z } from 'zod';

const named = z.object({ name: z.string(), url: z.string() });
const place = z.object({
  organization: z.object({ permalink: z.string(), name: z.string(), time_zone: z.string() }),
  server: z.looseObject({ permalink: z.string() }),
});

const applied = place.extend({
  administrator: z.object({ email: z.string(), password: z.string().optional() }),
  credentials: z.array(z.object({ type: z.string(), name: z.string() })),
  domains: z.array(
    z.object({ name: z.string(), tracking: z.object({ name: z.string(), ssl: z.boolean() }).nullable() }),
  ),
  webhook: named,
  endpoint: named.extend({ timeout: z.number() }),
  routes: z.array(z.object({ name: z.string(), domain: z.string() })),
});

/** A question of mailctl's provisioning script. */
export const runnerRequest = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('look'), wanted: place }),
  z.object({ ask: z.literal('apply'), wanted: applied }),
  z.object({ ask: z.literal('check-dns'), wanted: place.extend({ names: z.array(z.string()) }) }),
  z.object({ ask: z.literal('remove-domain'), wanted: place.extend({ name: z.string() }) }),
  z.object({
    ask: z.literal('create-credential'),
    wanted: place.extend({ type: z.enum(['API', 'SMTP']), name: z.string() }),
  }),
  z.object({
    ask: z.literal('retire-credential'),
    wanted: place.extend({
      ids: z.array(z.number()),
      successor: z.object({ id: z.number(), name: z.string() }),
    }),
  }),
  z.object({
    ask: z.literal('set-webhook-url'),
    wanted: place.extend({ webhook: named, endpoint: named }),
  }),
  z.object({ ask: z.literal('count-webhooks'), wanted: place.extend({ text: z.string() }) }),
]);

export type RunnerRequest = z.output<typeof runnerRequest>;
export type Applied = z.output<typeof applied>;

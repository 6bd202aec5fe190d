import { type EventKind, eventKinds } from '../../domain/event.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import {
  pauseWebhookEndpoint,
  removeWebhookEndpoint,
  resumeWebhookEndpoint,
} from '../../store/webhook-endpoints.ts';
import { deadWebhooks, replayWebhooks } from '../../store/webhook-list.ts';
import { createWebhookEndpoint } from '../../upkeep/access.ts';
import type { Plan } from '../plan.ts';
import { requireEndpoint } from './show.ts';

/** What a change of the endpoints did. */
export interface WebhooksChanged {
  readonly changed: number;
  /** Of a new endpoint; shown this once. */
  readonly secret?: string;
}

/** Plans a new endpoint. Throws `usage` for a URL or an event that is none. */
export async function planEndpoint(
  { clock, config }: Runtime,
  { url, events }: { readonly url: string; readonly events: readonly string[] },
): Promise<Plan<WebhooksChanged>> {
  requireUrl(url);
  events.forEach(requireType);
  const { WEBHOOK_SEALING_KEY: sealingKey } = await config('operator');
  let secret: Secret | undefined;
  return {
    title: `Add the endpoint ${url}`,
    steps: [
      {
        do: 'create-endpoint',
        what: `tell ${url} of ${events.length === 0 ? 'everything' : events.join(', ')}`,
        run: async ({ postgres, random }) => {
          secret = await createWebhookEndpoint(
            { db: await postgres(), clock, random },
            { url, sealingKey, events },
          );
        },
      },
    ],
    result: () => ({ changed: 1, ...(secret && { secret: secret.reveal() }) }),
  };
}

/** What can be done to an endpoint that is there. */
export type EndpointAct = 'remove' | 'pause' | 'resume';

const acts = {
  remove: { what: 'remove, with what waits for it,', change: removeWebhookEndpoint },
  pause: { what: 'keep back what is for', change: pauseWebhookEndpoint },
  resume: { what: 'send again to', change: resumeWebhookEndpoint },
} as const;

/** Plans an act on one endpoint. Throws `usage` when there is none of this id. */
export async function planEndpointAct(
  { postgres }: Runtime,
  act: EndpointAct,
  id: string,
): Promise<Plan<WebhooksChanged>> {
  const { url } = await requireEndpoint(await postgres(), id);
  const { what, change } = acts[act];
  return {
    title: `${what} ${url}`,
    ...(act === 'remove' && { confirm: `Remove ${url}? What waits for it is lost.` }),
    steps: [
      {
        do: act,
        what: `${what} ${url}`,
        run: async (world) => void (await change(await world.postgres(), id)),
      },
    ],
    result: () => ({ changed: 1 }),
  };
}

const mostReplayed = 10_000;

/** Plans to send again what was given up: the named webhooks, or all of them, ten thousand at a time. */
export async function planReplay(
  { postgres }: Runtime,
  ids: readonly string[],
  { all, endpoint }: { readonly all: boolean; readonly endpoint: string | undefined },
): Promise<Plan<WebhooksChanged>> {
  if (ids.length === 0 && !all) {
    throw new OperatorError('usage', 'which webhooks are meant?', {
      hint: 'Name ids from: mailctl webhooks deliveries --state dead; --all means every one',
      field: '--all',
    });
  }
  const dead = await deadWebhooks(await postgres(), mostReplayed, endpoint);
  const chosen = all ? dead : ids.filter((id) => dead.includes(id));
  let changed: number | undefined;
  return {
    title: chosen.length === 0 ? 'Nothing of it was given up' : `Send ${chosen.length} webhooks again`,
    steps:
      chosen.length === 0
        ? []
        : [
            {
              do: 'replay',
              what: `start ${chosen.length} webhooks afresh`,
              run: async (world) => void (changed = await replayWebhooks(await world.postgres(), chosen)),
            },
          ],
    result: () => ({ changed: changed ?? chosen.length }),
  };
}

function requireUrl(url: string): void {
  if (
    URL.canParse(url) &&
    /^https?:$/.test(new URL(url).protocol) &&
    !new URL(url).username &&
    !new URL(url).hash
  )
    return;
  throw new OperatorError('usage', `"${url}" is no http or https URL without user name and fragment`, {
    hint: 'For example: mailctl webhooks add https://ams.example.com/hooks',
    field: 'url',
  });
}

function requireType(type: string): void {
  const types = (Object.keys(eventKinds) as EventKind[])
    .filter((kind) => eventKinds[kind].told)
    .map((kind) => `message.${kind}`);
  if (types.includes(type)) return;
  throw new OperatorError('usage', `"${type}" is no type of event`, {
    hint: `Types: ${types.join(', ')}`,
    field: '--event',
  });
}

import type { Command } from 'commander';

import {
  type EndpointAct,
  planEndpoint,
  planEndpointAct,
  planReplay,
  type WebhooksChanged,
} from '../../operations/webhooks/change.ts';
import { planEndpointTest } from '../../operations/webhooks/test.ts';
import {
  showDeliveries,
  showEndpoints,
  type ShownDeliveries,
  type ShownEndpoint,
  type WrittenDeliveries,
} from '../../operations/webhooks/show.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { pageLimit } from '../page-limit.ts';
import { defineQuarantine } from './webhooks-quarantine.ts';

const actions: Readonly<Record<EndpointAct, string>> = {
  remove: 'Remove an endpoint, with what waits for it.',
  pause: 'Keep webhooks to an endpoint back; they wait.',
  resume: 'Send to an endpoint again that was paused, or disabled itself with 410.',
};

/** `mailctl webhooks list|add|remove|pause|resume|test|deliveries|replay|quarantine`. */
export function defineWebhooks(command: Command, session: Session): void {
  command
    .command('list')
    .description('List the endpoints that hear what becomes of messages.')
    .action(looks(session, async ({ runtime }) => showEndpoints(await runtime.postgres()), endpointsAsText));
  command
    .command('add')
    .description('Add an endpoint; its signing secret is shown once.')
    .argument('<url>', 'where webhooks are sent to')
    .option('--event <type...>', 'only these types, such as message.bounced (default: all)')
    .action(
      acts(
        session,
        ({ runtime }, url: string, { event = [] }: { event?: string[] }) =>
          planEndpoint(runtime, { url, events: event }),
        addedAsText,
      ),
    );
  for (const [act, description] of Object.entries(actions) as [EndpointAct, string][]) {
    command
      .command(act)
      .description(description)
      .argument('<id>', 'id of the endpoint, whe_…')
      .action(
        acts(
          session,
          ({ runtime }, id: string) => planEndpointAct(runtime, act, id),
          () => 'done',
        ),
      );
  }
  defineTest(command, session);
  defineDeliveries(command, session);
  defineQuarantine(
    command.command('quarantine').description('What came from Postal and could not be worked out.'),
    session,
  );
}

function defineTest(command: Command, session: Session): void {
  command
    .command('test')
    .description('Have the worker send a signed test to an endpoint, once, and wait for the answer.')
    .argument('<id>', 'id of the endpoint, whe_…')
    .action(
      acts(
        session,
        ({ runtime }, id: string) => planEndpointTest(runtime, id),
        ({ status }) => `the endpoint answered ${status}`,
      ),
    );
}

interface DeliveryFlags extends WrittenDeliveries {
  readonly limit: string;
  readonly cursor?: string;
}

function defineDeliveries(command: Command, session: Session): void {
  command
    .command('deliveries')
    .description('List webhooks to AMS, newest first; those that were given up with --state dead.')
    .option('--state <state>', 'only those that are waiting, delivered or dead')
    .option('--endpoint <id>', 'only those of this endpoint')
    .option('--limit <number>', 'webhooks of one page', '50')
    .option('--cursor <id>', 'go on behind this webhook')
    .action(
      looks(
        session,
        async ({ runtime }, { limit, cursor, ...filter }: DeliveryFlags) =>
          showDeliveries(await runtime.postgres(), filter, { limit: pageLimit(limit), cursor }),
        deliveriesAsText,
      ),
    );
  command
    .command('replay')
    .description('Send again what was given up.')
    .argument('[id...]', 'ids of webhooks, whd_…')
    .option('--all', 'everything that was given up')
    .option('--endpoint <id>', 'with --all: only what was for this endpoint')
    .action(
      acts(
        session,
        ({ runtime }, ids: string[], { all = false, endpoint }: { all?: boolean; endpoint?: string }) =>
          planReplay(runtime, ids, { all, endpoint }),
        ({ changed }) => `${changed} webhooks are sent again`,
      ),
    );
}

function endpointsAsText(
  { endpoints }: { readonly endpoints: readonly ShownEndpoint[] },
  style: Style,
): string {
  if (endpoints.length === 0) return 'there is no endpoint yet: mailctl webhooks add URL';
  return endpoints
    .map(({ id, state, url, events, reason }) =>
      [style.bold(id), state.padEnd(8), url, events.join(',') || 'all events', reason ?? '']
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function addedAsText({ secret }: WebhooksChanged): string {
  return `the endpoint is added; its signing secret, shown this once:\n  ${secret ?? ''}`;
}

function deliveriesAsText({ deliveries, next_cursor }: ShownDeliveries, style: Style): string {
  if (deliveries.length === 0) return 'there is no such webhook';
  const rows = deliveries.map(({ id, state, type, endpoint_id, created_at, attempts, ...one }) =>
    [
      style.bold(id),
      state.padEnd(9),
      created_at.slice(0, 19),
      type,
      endpoint_id,
      `${attempts} attempts`,
      outcomeOf(one),
    ]
      .join('  ')
      .trimEnd(),
  );
  return [...rows, ...(next_cursor === null ? [] : [`more: the same with --cursor ${next_cursor}`])].join(
    '\n',
  );
}

function outcomeOf({
  last_error,
  next_attempt_at,
}: Pick<ShownDeliveries['deliveries'][number], 'last_error' | 'next_attempt_at'>): string {
  const next = next_attempt_at === null ? undefined : `next at ${next_attempt_at.slice(0, 19)}`;
  return [last_error, next].filter((part) => part !== undefined && part !== null).join('; ');
}

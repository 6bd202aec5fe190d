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
  showDead,
  showEndpoints,
  type ShownDelivery,
  type ShownEndpoint,
} from '../../operations/webhooks/show.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { defineQuarantine } from './webhooks-quarantine.ts';

const mostDeliveries = 1000;

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

function defineDeliveries(command: Command, session: Session): void {
  command
    .command('deliveries')
    .description('List the webhooks that were given up (the dead-letter list), oldest first.')
    .option('--endpoint <id>', 'only those of this endpoint')
    .action(
      looks(
        session,
        async ({ runtime }, { endpoint }: { endpoint?: string }) =>
          showDead(await runtime.postgres(), mostDeliveries, endpoint),
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

function deliveriesAsText(
  { deliveries }: { readonly deliveries: readonly ShownDelivery[] },
  style: Style,
): string {
  if (deliveries.length === 0) return 'nothing was given up';
  return deliveries
    .map(({ id, endpoint_id, attempts, last_status, last_error, created_at }) =>
      [
        style.bold(id),
        endpoint_id,
        created_at.slice(0, 19),
        `${attempts} attempts`,
        last_error ?? last_status ?? '',
      ].join('  '),
    )
    .join('\n');
}

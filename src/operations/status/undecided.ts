import type { Runtime } from '../../runtime.ts';
import { webhookFigures } from '../../store/webhook-deliveries.ts';
import { digestFigures } from '../../store/webhook-digest.ts';
import { listWebhookEndpoints } from '../../store/webhook-endpoints.ts';

/** What goes on only when an operator has decided, each with the command for it. */
export async function undecided(world: Runtime): Promise<readonly string[]> {
  const db = await world.postgres();
  const [endpoints, { dead }, { quarantined }] = await Promise.all([
    listWebhookEndpoints(db),
    webhookFigures(db),
    digestFigures(db),
  ]);
  return [
    ...endpoints.flatMap(({ id, disabledAt, disabledReason }) =>
      disabledAt ? [`endpoint ${id} is disabled: ${disabledReason}; mailctl webhooks resume ${id}`] : [],
    ),
    ...(dead > 0 ? [`webhooks to AMS were given up: ${dead}; mailctl webhooks deliveries --state dead`] : []),
    ...(quarantined > 0
      ? [`webhooks of Postal could not be worked out: ${quarantined}; mailctl webhooks quarantine list`]
      : []),
  ];
}

import type { TracedDelivery } from '../../store/trace.ts';
import type { Stuck } from './report.ts';
import type { Scene } from './scene.ts';

const mostNamed = 10;

/** A webhook that was not read, not sent or given up: the message may be where it belongs, and AMS does not know. */
export function stuckWebhook(scene: Scene): Stuck | undefined {
  return unread(scene) ?? closedEndpoint(scene) ?? givenUp(scene) ?? failing(scene) ?? unsent(scene);
}

function unread({ unread: webhooks, now, patienceMs }: Scene): Stuck | undefined {
  const aside = webhooks.find(({ state }) => state === 'quarantined');
  if (aside) {
    const why = `Postal's webhook ${aside.event} of ${aside.receivedAt.toISOString()} was set aside: ${aside.reason ?? 'no reason given'}`;
    return { hop: 'postal-webhook', why, command: `mailctl webhooks quarantine retry ${aside.uuid}` };
  }
  const [oldest] = webhooks;
  if (!oldest || now.getTime() - oldest.receivedAt.getTime() <= patienceMs) return undefined;
  const why = `Postal's webhook ${oldest.event} waits since ${oldest.receivedAt.toISOString()} and no worker reads it`;
  return { hop: 'worker', why, command: 'mailctl e2e' };
}

/** Opening it comes first, also for what was given up: a replay would only wait again. */
function closedEndpoint({ deliveries }: Scene): Stuck | undefined {
  const kept = deliveries.filter(
    ({ state, pausedAt, disabledAt }) => state !== 'delivered' && (pausedAt ?? disabledAt) !== null,
  );
  const [first] = kept;
  if (!first) return undefined;
  const count = kept.filter(({ endpointId }) => endpointId === first.endpointId).length;
  const how = first.disabledAt ? `disabled (${first.disabledReason ?? 'no reason given'})` : 'paused';
  const why = `${count} webhooks wait because ${first.url} is ${how}`;
  return { hop: 'ams-webhook', why, command: `mailctl webhooks resume ${first.endpointId}` };
}

function givenUp({ deliveries }: Scene): Stuck | undefined {
  const dead = deliveries.filter(({ state }) => state === 'dead');
  const [first] = dead;
  if (!first) return undefined;
  const why = `${dead.length} webhooks were given up after ${first.attempts} attempts: ${first.url}: ${lastAnswer(first)}`;
  const ids = dead.slice(0, mostNamed).map(({ id }) => id);
  return { hop: 'ams-webhook', why, command: `mailctl webhooks replay ${ids.join(' ')}` };
}

function failing({ deliveries }: Scene): Stuck | undefined {
  const failed = deliveries.find(
    ({ state, attempts, lastStatus, lastError }) =>
      state === 'waiting' && attempts > 0 && (lastStatus ?? lastError) !== null,
  );
  if (!failed) return undefined;
  const next = failed.nextAttemptAt?.toISOString() ?? 'soon';
  const why = `${failed.url}: ${lastAnswer(failed)} at attempt ${failed.attempts}; it is tried again at ${next}`;
  return { hop: 'ams-webhook', why, command: null };
}

function unsent({ deliveries, now, patienceMs }: Scene): Stuck | undefined {
  const waiting = deliveries.find(
    ({ state, createdAt }) => state === 'waiting' && now.getTime() - createdAt.getTime() > patienceMs,
  );
  if (!waiting) return undefined;
  const why = `a webhook to ${waiting.url} waits since ${waiting.createdAt.toISOString()} and no worker sends it`;
  return { hop: 'worker', why, command: 'mailctl e2e' };
}

function lastAnswer({ lastStatus, lastError }: TracedDelivery): string {
  return lastError ?? (lastStatus === null ? 'did not answer' : `answered ${lastStatus}`);
}

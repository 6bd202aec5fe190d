import type { Ams } from './load.ts';
import type { RunningPlatform } from './running-platform.ts';

/** Everything that stands between Postal's queue and AMS's endpoint, in words: what a test says when AMS was not told of all. */
export async function standingOf(platform: RunningPlatform, ams: Ams): Promise<string> {
  const { db, postalStores } = platform;
  const server = `\`${postalStores.messages}\``;
  const numbers = [...ams.taken].map((to) => ams.delivered.get(to)?.size ?? 0);
  const facts = {
    taken: ams.taken.size,
    'not told of': numbers.filter((times) => times === 0).length,
    'told of twice or more': numbers.filter((times) => times > 1).length,
    'refused at AMS': ams.refused.slice(0, 5),
    recipients: await db.query('select state, count(*)::integer from recipients group by 1'),
    'messages in the queue': await db.query(
      `select attempts, count(*)::integer, count(*) filter (where next_attempt_at > now())::integer as later
       from messages where next_attempt_at is not null group by 1`,
    ),
    'webhooks of Postal': await db.query(
      'select event, state, count(*)::integer from postal_webhooks group by 1, 2',
    ),
    'webhooks to AMS': await db.query(
      `select state, attempts, last_status, last_error, count(*)::integer from webhook_deliveries group by 1, 2, 3, 4`,
    ),
    'queued at Postal': await postalStores.run('select count(*) as messages from queued_messages'),
    'waiting at Postal': await postalStores.run(
      'select event, attempts, count(*) as webhooks from webhook_requests group by 1, 2',
    ),
    'tried by Postal': await postalStores.run(
      `select status_code, attempt, count(*) as times from ${server}.webhook_requests group by 1, 2`,
    ),
    'webhooks in': await platform.figure('api', 'mailctl_webhook_in_total'),
    complaints: platform.complaints(15),
  };
  return Object.entries(facts)
    .map(([name, fact]) => `${name}: ${JSON.stringify(fact, undefined, Array.isArray(fact) ? 0 : 2)}`)
    .join('\n');
}

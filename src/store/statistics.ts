import type { Database } from '../adapters/postgres.ts';
import { leastId } from '../domain/id.ts';
import type { RecipientState } from '../domain/message.ts';

/** Counts over the messages received in a time; opens and clicks of one recipient count as often as they happened. */
export interface Statistics {
  readonly messages: number;
  readonly bytes: number;
  readonly recipients: Readonly<Partial<Record<RecipientState, number>>>;
  readonly opens: number;
  readonly clicks: number;
}

export interface StatisticsQuery {
  readonly since: Date;
  readonly until: Date;
  readonly tag: string | undefined;
}

/** Counts messages received from `since` up to, not including, `until`. */
export async function countMessages(
  db: Database,
  { since, until, tag }: StatisticsQuery,
): Promise<Statistics> {
  const values = [leastId('msg', since), leastId('msg', until), tag];
  const [messages] = await db.query<{ messages: number; bytes: number }>(
    `select count(*)::integer as messages, coalesce(sum(size_bytes), 0)::float as bytes from messages where ${chosen}`,
    values,
  );
  const states = await db.query<{ state: RecipientState; count: number; opens: number; clicks: number }>(
    `select r.state, count(*)::integer as count, sum(r.opens)::integer as opens, sum(r.clicks)::integer as clicks
     from messages join recipients r on r.message_id = messages.id where ${chosen} group by r.state order by r.state`,
    values,
  );
  const sum = (pick: (row: (typeof states)[number]) => number) =>
    states.reduce((total, row) => total + pick(row), 0);
  return {
    messages: messages?.messages ?? 0,
    bytes: messages?.bytes ?? 0,
    recipients: Object.fromEntries(states.map(({ state, count }) => [state, count])),
    opens: sum(({ opens }) => opens),
    clicks: sum(({ clicks }) => clicks),
  };
}

// Ids begin with the time of reception, so the primary key finds the span.
const chosen = `messages.id >= $1 and messages.id < $2 and ($3::text is null or tag = $3)`;

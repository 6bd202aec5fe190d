import type { Database } from '../adapters/postgres.ts';

/** What became of the wish to cancel a message. */
export type Cancellation =
  | { readonly kind: 'cancelled'; readonly recipients: readonly string[] }
  /** It was cancelled before. */
  | { readonly kind: 'already' }
  /** It is on its way or gone. */
  | { readonly kind: 'too-late' }
  | { readonly kind: 'unknown' };

/** Takes out a message all of whose recipients still wait for its send time. A worker that holds it makes it too late. */
export async function cancelScheduled(within: Database, id: string): Promise<Cancellation> {
  const [message] = await within.query<{ leased: boolean }>(
    `select coalesce(lease_until > now(), false) as leased from messages where id = $1 for update`,
    [id],
  );
  if (!message) return { kind: 'unknown' };
  const states = await within.query<{ state: string }>(
    'select distinct state from recipients where message_id = $1',
    [id],
  );
  if (states.every(({ state }) => state === 'cancelled')) return { kind: 'already' };
  if (message.leased || states.some(({ state }) => state !== 'scheduled')) return { kind: 'too-late' };
  await within.change('update messages set next_attempt_at = null where id = $1', [id]);
  const recipients = await within.query<{ address: string }>(
    `update recipients set state = 'cancelled', changed_at = now() where message_id = $1 returning address`,
    [id],
  );
  return { kind: 'cancelled', recipients: recipients.map(({ address }) => address) };
}

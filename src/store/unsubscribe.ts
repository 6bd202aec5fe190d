import type { Database } from '../adapters/postgres.ts';
import type { UnsubscribeWish } from '../domain/unsubscribe.ts';

/** Has messages go out with a one-click link for each recipient. Runs in the transaction that stores them. */
export async function wishUnsubscribe(
  within: Database,
  messages: readonly { readonly id: string; readonly wish: UnsubscribeWish }[],
): Promise<void> {
  if (messages.length === 0) return;
  await within.change(
    `update messages m set unsubscribe = w.wish
     from unnest($1::text[], $2::text[]) as w (id, wish) where m.id = w.id`,
    [messages.map(({ id }) => id), messages.map(({ wish }) => wish)],
  );
}

/**
 * True when this recipient of the message has not unsubscribed by it yet. Locks the message, so that the same link used twice at once
 * is used once; false also where the message is no longer stored.
 */
export async function lockUnsubscription(
  within: Database,
  { messageId, address }: { readonly messageId: string; readonly address: string },
): Promise<boolean> {
  await within.query('select from messages where id = $1 for no key update', [messageId]);
  const rows = await within.query(
    `select from recipients r where r.message_id = $1 and r.address = $2 and not exists (
       select from events e where e.message_id = $1 and e.recipient = $2 and e.kind = 'unsubscribed'
     )`,
    [messageId, address],
  );
  return rows.length > 0;
}

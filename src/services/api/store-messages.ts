import type { Database } from '../../adapters/postgres.ts';
import type { Event } from '../../domain/event.ts';
import { newId } from '../../domain/id.ts';
import { recordEvents } from '../../store/events.ts';
import { insertSubmissions, type NewMessage } from '../../store/messages.ts';
import { wishUnsubscribe } from '../../store/unsubscribe.ts';
import type { AcceptedMessage } from './contracts/message.ts';
import type { ApiWorld } from './room.ts';

/** Stores messages in one statement, and says what was accepted; that something is scheduled is an event its sender is told. */
export async function storeMessages(
  db: Database,
  messages: readonly NewMessage[],
  room: Pick<ApiWorld, 'random'>,
): Promise<readonly AcceptedMessage[]> {
  const scheduled = messages.filter(({ sendAt }) => sendAt !== undefined);
  const isPlain = scheduled.length === 0 && messages.every(({ unsubscribe }) => unsubscribe === undefined);
  if (isPlain) await insertSubmissions(db, messages);
  else await storeWithMore(db, { messages, scheduled }, room);
  return messages.map(accepted);
}

interface Batch {
  readonly messages: readonly NewMessage[];
  readonly scheduled: readonly NewMessage[];
}

async function storeWithMore(
  db: Database,
  { messages, scheduled }: Batch,
  { random }: Pick<ApiWorld, 'random'>,
): Promise<void> {
  const events = scheduled.map(({ submission, sendAt }): Event => ({
    id: newId('evt', submission.receivedAt, random.bytes(10)),
    messageId: submission.id,
    recipient: null,
    kind: 'scheduled',
    at: submission.receivedAt,
    postalUuid: null,
    detail: { send_at: sendAt?.toISOString() ?? null },
  }));
  const [first] = scheduled;
  const at = first?.submission.receivedAt ?? new Date(0);
  await db.transaction(async (within) => {
    await insertSubmissions(within, messages);
    await wishUnsubscribe(within, wishesOf(messages));
    await recordEvents(within, events, () => newId('whd', at, random.bytes(10)));
  });
}

/** Those of the messages that ask for a one-click link. */
export function wishesOf(messages: readonly NewMessage[]) {
  return messages.flatMap(({ submission, unsubscribe }) =>
    unsubscribe === undefined ? [] : [{ id: submission.id, wish: unsubscribe }],
  );
}

function accepted({ submission, sendAt }: NewMessage): AcceptedMessage {
  return {
    id: submission.id,
    state: sendAt ? 'scheduled' : 'queued',
    recipients: submission.envelope.rcptTo.length,
    created_at: submission.receivedAt.toISOString(),
  };
}
